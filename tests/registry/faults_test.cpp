// A misbehaving registry: never wrong content, never half an upload taken for a whole one, success after passing
// faults, and otherwise one message that names the host.
#include <catch2/catch.hpp>

#include "support/registry_run.hpp"

using namespace envbuild;
using namespace envbuild::testing;

namespace {

const std::string kPath = "team/envs";

// The first `times` requests of `method` whose target holds `part` get `handler`; all others the registry's own answer.
void break_requests(FakeRegistry& server, const std::string& method, const std::string& part, int times,
                    FaultHandler handler) {
    server.set_hook([=, left = std::make_shared<std::atomic<int>>(times)](const FaultRequest& request,
                                                                          FaultConnection& connection) {
        if (request.method != method || request.target.find(part) == std::string::npos) return false;
        if (left->fetch_sub(1) <= 0) return false;
        handler(request, connection);
        return true;
    });
}

constexpr int kAlways = 1000000;

struct Fault {
    std::string name;
    FaultHandler handler;
};

std::vector<Fault> passing_faults() {
    return {{"reset", fault::reset_at_once()},
            {"close", fault::close_at_once()},
            {"stall", fault::stall_at_once()},
            {"408", fault::respond(408)},
            {"429 in seconds", fault::respond(429, "", "Retry-After: 0\r\n")},
            {"429 at a date", fault::respond(429, "", "Retry-After: Wed, 21 Oct 2015 07:28:00 GMT\r\n")},
            {"429 whenever", fault::respond(429, "", "Retry-After: whenever\r\n")},
            {"500", fault::respond(500)},
            {"502", fault::respond(502, "<html>bad gateway</html>", "Content-Type: text/html\r\n")},
            {"503", fault::respond(503)},
            {"504", fault::respond(504)}};
}

std::string put_image(FakeRegistry& server) {
    server.add_blob(kPath, "layer");
    server.add_blob(kPath, "{}");
    const auto bytes = image_manifest("layer");
    server.add_manifest(kPath, "v1", std::string(oci::media_type::kManifest), bytes);
    return bytes;
}

}  // namespace

TEST_CASE("reading survives faults that pass", "[registry]") {
    for (const auto& fault : passing_faults()) {
        INFO(fault.name);
        FakeRegistry server;
        const auto bytes = put_image(server);
        Run run(fault.name == "stall" ? impatient() : registry::RegistrySettings());
        const auto client = run.client(server.domain() + "/" + kPath);
        const auto blob = oci::describe("t", "layer");
        break_requests(server, "GET", "/manifests/", 3, fault.handler);
        CHECK(client.get_manifest("v1")->bytes == bytes);
        break_requests(server, "HEAD", "/blobs/", 3, fault.handler);
        CHECK(client.has_blob(blob));
        break_requests(server, "GET", "/blobs/", 3, fault.handler);
        CHECK(oci::read_all(*client.open_blob(blob), 100) == "layer");
    }
}

TEST_CASE("writing survives faults that pass", "[registry]") {
    for (const auto& fault : passing_faults()) {
        INFO(fault.name);
        FakeRegistry server;
        put_image(server);
        Run run(fault.name == "stall" ? impatient() : registry::RegistrySettings());
        auto client = run.client(server.domain() + "/" + kPath);
        const std::string content = "new layer";
        break_requests(server, "POST", "/uploads/", 2, fault.handler);
        client.upload_blob(oci::describe("t", content), *oci::bytes_source(content));
        CHECK(server.has_blob(kPath, sha256(content)));
        break_requests(server, "PUT", "/uploads/", 2, fault.handler);
        client.upload_blob(oci::describe("t", "second"), *oci::bytes_source("second"));
        CHECK(server.has_blob(kPath, sha256("second")));
        break_requests(server, "PUT", "/manifests/", 3, fault.handler);
        client.put_manifest(image_manifest("layer"), oci::media_type::kManifest, "v2");
        CHECK_FALSE(server.tag(kPath, "v2").empty());
    }
}

TEST_CASE("a fault that stays is Transient, with the host, and never an absence", "[registry]") {
    for (const auto& fault : passing_faults()) {
        INFO(fault.name);
        FakeRegistry server;
        put_image(server);
        Run run(fault.name == "stall" ? impatient() : registry::RegistrySettings());
        auto client = run.client(server.domain() + "/" + kPath);
        const auto check = [&](const std::function<void()>& work) {
            const auto error = error_of(work);
            CHECK(error.kind() == ErrorKind::Transient);
            CHECK_THAT(error.message(), Catch::Contains("127.0.0.1"));
        };
        break_requests(server, "GET", "/", kAlways, fault.handler);
        check([&] { (void)client.get_manifest("v1"); });
        check([&] { (void)client.list_tags(); });
        break_requests(server, "HEAD", "/", kAlways, fault.handler);
        check([&] { (void)client.head_manifest("v1"); });
        check([&] { (void)client.has_blob(oci::describe("t", "layer")); });
    }
}

TEST_CASE("a registry that is not there is Transient", "[registry]") {
    Run run;
    const auto client = run.client("127.0.0.1:" + std::to_string(fault::unused_port()) + "/x");
    CHECK(error_of([&] { (void)client.get_manifest("v1"); }).kind() == ErrorKind::Transient);
    CHECK(error_of([&] { (void)client.has_blob(oci::describe("t", "x")); }).kind() == ErrorKind::Transient);
}

TEST_CASE("what is no registry says neither that something is there nor that it is absent", "[registry]") {
    const std::vector<Fault> faults{
        {"a login page", fault::html_page()},
        {"a page not found", fault::respond(404, "<html>no</html>", "Content-Type: text/html\r\n")},
        {"a plain 404", fault::respond(404, "404 page not found\n", "Content-Type: text/plain\r\n")},
        {"no HTTP", fault::garbage()},
        {"a redirect loop", fault::redirect(302, "/v2/")}};
    for (const auto& fault : faults) {
        INFO(fault.name);
        FakeRegistry server;
        break_requests(server, "GET", "/", kAlways, fault.handler);
        Run run(fault.name == "stall" ? impatient() : registry::RegistrySettings());
        const auto client = run.client(server.domain() + "/" + kPath);
        CHECK(error_of([&] { (void)client.get_manifest("v1"); }).kind() == ErrorKind::Transient);
        CHECK(error_of([&] { (void)client.list_tags(); }).kind() == ErrorKind::Transient);
    }
}

TEST_CASE("a 404 is an absence only with a registry's error code", "[registry]") {
    const std::string json = "Content-Type: application/json\r\n";
    const auto blob = oci::describe("t", "layer");
    FakeRegistry server;
    Run run;
    const auto client = run.client(server.domain() + "/" + kPath);
    for (const std::string body :
         {R"({"errors":[{"status":404,"message":"File not found."}]})", R"({"errors":[]})", R"({"errors":["x"]})",
          R"({"errors":[{"code":404}]})", R"({"errors":[{"code":"ROUTE_NOT_FOUND"}]})", R"({"message":"no Route"})"}) {
        INFO(body);
        break_requests(server, "GET", "/", kAlways, fault::respond(404, body, json));
        CHECK_THROWS_AS(client.get_manifest("v1"), Error);
        CHECK_THROWS_AS(client.list_tags(), Error);
        CHECK_THROWS_AS(oci::read_all(*client.open_blob(blob), 10), Error);
    }
    break_requests(server, "GET", "/", kAlways,
                   fault::respond(404, R"({"errors":[{"status":404,"message":"File not found."}]})", json));
    CHECK(error_of([&] { (void)client.get_manifest("v1"); }).kind() == ErrorKind::Transient);
    for (const std::string code : {"NAME_UNKNOWN", "MANIFEST_UNKNOWN", "NOT_FOUND"}) {
        break_requests(server, "GET", "/", kAlways,
                       fault::respond(404, R"({"errors":[{"code":")" + code + R"("}]})", json));
        CHECK_FALSE(client.get_manifest("v1"));
    }
}

TEST_CASE("a list of tags is whole or none", "[registry]") {
    FakeRegistry server;
    Run run;
    const auto client = run.client(server.domain() + "/" + kPath);
    const std::string second = "/v2/" + kPath + "/tags/list?n=1000&last=b";
    const auto pages = [&](const std::string& link, const FaultHandler& rest) {
        server.set_hook([=](const FaultRequest& request, FaultConnection& connection) {
            if (request.target.find("tags/list") == std::string::npos) return false;
            if (request.target.find("last=") != std::string::npos) {
                rest(request, connection);
            } else {
                fault::respond(200, R"({"name":"x","tags":["a","b"]})",
                               "Content-Type: application/json\r\nLink: <" + link + ">; rel=\"next\"\r\n")(request,
                                                                                                           connection);
            }
            return true;
        });
    };
    const auto more = fault::respond(200, R"({"tags":["c"]})", "Content-Type: application/json\r\n");
    const std::vector<std::string> all{"a", "b", "c"};
    pages(second, more);
    CHECK(client.list_tags() == all);
    // Behind a proxy that ends TLS: the same host by another scheme and port.
    pages("https://" + server.domain().substr(0, server.domain().find(':')) + second, more);
    CHECK(client.list_tags() == all);
    pages("http://elsewhere.invalid" + second, more);
    CHECK(error_of([&] { (void)client.list_tags(); }).kind() == ErrorKind::Transient);
    pages("/v2/" + kPath + "/tags/list?n=1000", more);
    CHECK(error_of([&] { (void)client.list_tags(); }).kind() == ErrorKind::Transient);
    pages(second, fault::respond(404, R"({"errors":[{"code":"NAME_UNKNOWN"}]})", "Content-Type: application/json\r\n"));
    CHECK_THROWS_AS(client.list_tags(), Error);
}

TEST_CASE("a HEAD's 404 that may be anybody's is asked again with GET", "[registry]") {
    FakeRegistry server;
    put_image(server);
    Run run;
    const auto client = run.client(server.domain() + "/" + kPath);
    const auto blob = oci::describe("t", "layer");
    const auto nobodys = fault::respond(404, "", "Content-Type: text/plain\r\n");
    // It answers GET as a registry: what that says counts.
    break_requests(server, "HEAD", "/", kAlways, nobodys);
    CHECK(client.has_blob(blob));
    CHECK_FALSE(client.has_blob(oci::describe("t", "absent")));
    CHECK(client.head_manifest("v1"));
    CHECK_FALSE(client.head_manifest("v2"));
    // It never does: nothing is known.
    server.set_hook([&](const FaultRequest& request, FaultConnection& connection) {
        fault::respond(404, request.method == "HEAD" ? "" : "404 page not found\n", "Content-Type: text/plain\r\n")(
            request, connection);
        return true;
    });
    CHECK(error_of([&] { (void)client.has_blob(blob); }).kind() == ErrorKind::Transient);
    CHECK(error_of([&] { (void)client.head_manifest("v1"); }).kind() == ErrorKind::Transient);
}

TEST_CASE("content that does not match its digest is never handed out as whole", "[registry]") {
    const std::string right(50000, 'r');
    const auto blob = oci::describe("t", right);
    const std::vector<Fault> faults{{"a flipped bit", fault::respond(200, fault::with_bit_flipped(right, 49999))},
                                    {"another blob", fault::respond(200, std::string(50000, 'w'))},
                                    {"longer", fault::respond(200, right + "!")},
                                    {"a login page", fault::html_page()}};
    for (const auto& fault : faults) {
        INFO(fault.name);
        FakeRegistry server;
        server.add_blob(kPath, right);
        break_requests(server, "GET", "/blobs/", kAlways, fault.handler);
        Run run(fault.name == "stall" ? impatient() : registry::RegistrySettings());
        const auto client = run.client(server.domain() + "/" + kPath);
        const auto error = error_of([&] { (void)oci::read_all(*client.open_blob(blob), 1 << 20); });
        CHECK((error.kind() == ErrorKind::Corrupt || error.kind() == ErrorKind::Transient));
        CHECK_THAT(error.message(), Catch::Contains(server.domain()) || Catch::Contains("127.0.0.1"));
    }
}

TEST_CASE("a blob that breaks off is gone on with, each byte once", "[registry]") {
    std::string right(400000, ' ');
    for (std::size_t i = 0; i < right.size(); ++i) right[i] = static_cast<char>(i * 31 >> 3);
    const auto blob = oci::describe("t", right);
    const std::vector<Fault> faults{{"reset", fault::reset_after(right, 100000)},
                                    {"short", fault::cut_short(right, 100000)},
                                    {"short without a length", fault::cut_short_without_length(right, 100000)},
                                    {"stall", fault::stall_after(right, 100000)}};
    for (const auto& fault : faults) {
        INFO(fault.name);
        FakeRegistry server;
        server.add_blob(kPath, right);
        break_requests(server, "GET", "/blobs/", 1, fault.handler);
        Run run(fault.name == "stall" ? impatient() : registry::RegistrySettings());
        std::string got;
        run.client(server.domain() + "/" + kPath).fetch_blob(blob, [&](std::string_view part) { got += part; });
        CHECK(got == right);
        CHECK(server.requests().back().header("range") == "bytes=100000-");
    }
}

TEST_CASE("a server that ignores or refuses ranges is read from the start", "[registry]") {
    const std::string right(300000, 'r');
    const auto blob = oci::describe("t", right);
    const std::string all = "Content-Range: bytes 0-299999/300000\r\n";
    const std::vector<Fault> faults{
        {"ignored", fault::respond(200, right)},
        {"206 from the start", fault::respond(206, right, all)},
        {"206 without a range", fault::respond(206, right)},
        {"206 from further on",
         fault::respond(206, right.substr(200000), "Content-Range: bytes 200000-299999/300000\r\n")},
        {"416", fault::respond(416)}};
    for (const auto& fault : faults) {
        INFO(fault.name);
        FakeRegistry server;
        server.add_blob(kPath, right);
        server.set_hook([&, seen = std::make_shared<std::atomic<int>>(0)](const FaultRequest& request,
                                                                          FaultConnection& connection) {
            if (request.method != "GET") return false;
            const int number = seen->fetch_add(1);
            if (number == 0) fault::cut_short(right, 100000)(request, connection);
            if (number == 1) fault.handler(request, connection);
            return number < 2;
        });
        Run run(fault.name == "stall" ? impatient() : registry::RegistrySettings());
        std::string got;
        run.client(server.domain() + "/" + kPath).fetch_blob(blob, [&](std::string_view part) { got += part; });
        CHECK(got == right);
    }
}

TEST_CASE("a transfer that always breaks ends, and does not end well", "[registry]") {
    const std::string right(1000, 'r');
    FakeRegistry server;
    break_requests(server, "GET", "/blobs/", kAlways, fault::cut_short(right, 10));
    Run run;
    const auto client = run.client(server.domain() + "/" + kPath);
    const auto error = error_of([&] { (void)oci::read_all(*client.open_blob(oci::describe("t", right)), 1 << 20); });
    CHECK((error.kind() == ErrorKind::Transient || error.kind() == ErrorKind::Corrupt));
}

TEST_CASE("a manifest that does not match is Corrupt", "[registry]") {
    FakeRegistry server;
    const auto right = image_manifest("layer");
    const std::string type = "Content-Type: application/vnd.oci.image.manifest.v1+json\r\n";
    Run run;
    const auto client = run.client(server.domain() + "/" + kPath);
    const auto digest = sha256(right).to_string();
    break_requests(server, "GET", "/manifests/", kAlways, fault::respond(200, image_manifest("other"), type));
    CHECK(error_of([&] { (void)client.get_manifest(digest); }).kind() == ErrorKind::Corrupt);
    CHECK(client.get_manifest("v1"));  // a tag promises nothing
    break_requests(server, "GET", "/manifests/", kAlways,
                   fault::respond(200, right, type + "Docker-Content-Digest: " + sha256("x").to_string() + "\r\n"));
    CHECK(error_of([&] { (void)client.get_manifest("v1"); }).kind() == ErrorKind::Corrupt);
    break_requests(server, "GET", "/manifests/", kAlways,
                   fault::respond(200, std::string(oci::kManifestLimit + 1, ' '), type));
    CHECK(error_of([&] { (void)client.get_manifest("v1"); }).kind() == ErrorKind::Corrupt);
    break_requests(
        server, "GET", "/manifests/", kAlways,
        fault::respond(200, "{}", "Content-Type: application/vnd.docker.distribution.manifest.v1+prettyjws\r\n"));
    CHECK(error_of([&] { (void)client.get_manifest("v1"); }).kind() == ErrorKind::Corrupt);
}

TEST_CASE("an upload whose session breaks is begun again", "[registry]") {
    const std::string content(300000, 'c');
    const std::string errors = R"({"errors":[{"code":"BLOB_UPLOAD_INVALID","message":"gone"}]})";
    for (const auto& fault : std::vector<Fault>{
             {"invalid", fault::respond(404, errors)},
             {"the digest did not match", fault::respond(400, R"({"errors":[{"code":"DIGEST_INVALID"}]})")},
             {"reset", fault::reset_at_once()}}) {
        INFO(fault.name);
        FakeRegistry server;
        break_requests(server, "PUT", "/uploads/", 1, fault.handler);
        Run run(fault.name == "stall" ? impatient() : registry::RegistrySettings());
        run.client(server.domain() + "/" + kPath).upload_blob(oci::describe("t", content), *oci::bytes_source(content));
        CHECK(server.has_blob(kPath, sha256(content)));
        // After a reset the connection may have been stale, so that the same request is sent once more.
        CHECK(server.count("POST", "/uploads/") >= (fault.name == "reset" ? 1 : 2));
    }
}

TEST_CASE("an upload whose answer was lost is not sent again", "[registry]") {
    FakeRegistry server;
    server.set_hook([&](const FaultRequest& request, FaultConnection& connection) {
        if (request.method != "PUT") return false;
        server.add_blob(kPath, request.body);
        connection.close();
        return true;
    });
    Run run;
    run.client(server.domain() + "/" + kPath).upload_blob(oci::describe("t", "content"), *oci::bytes_source("content"));
    CHECK(server.count("POST", "/uploads/") == 1);
}

TEST_CASE("a read-only registry, a denial and a full one each say what they are", "[registry]") {
    FakeRegistry server;
    Run run;
    auto client = run.client(server.domain() + "/" + kPath);
    const auto upload = [&] { client.upload_blob(oci::describe("t", "x"), *oci::bytes_source("x")); };
    server.set_read_only(true);
    auto error = error_of(upload);
    CHECK(error.kind() == ErrorKind::Unauthorized);
    CHECK_THAT(error.to_string(), Catch::Contains("read-only") && Catch::Contains(server.domain()));
    server.set_read_only(false);
    break_requests(server, "POST", "/uploads/", kAlways,
                   fault::respond(403, R"({"errors":[{"code":"DENIED","message":"requested access is denied"}]})"));
    error = error_of(upload);
    CHECK(error.kind() == ErrorKind::Unauthorized);
    CHECK_THAT(error.to_string(), Catch::Contains("access is denied") && Catch::Contains("docker login"));
    break_requests(server, "POST", "/uploads/", kAlways, fault::respond(413));
    CHECK_THAT(error_of(upload).message(), Catch::Contains("413"));
}

TEST_CASE("a token server that fails is not a registry that has nothing", "[registry]") {
    const std::vector<Fault> faults{{"down", fault::respond(503)},
                                    {"a page", fault::html_page()},
                                    {"no token", fault::respond(200, "{}")},
                                    {"a token of another kind", fault::respond(200, R"({"token":["x"]})")},
                                    {"a token with a line break", fault::respond(200, R"({"token":"a\r\nX-Evil: 1"})")},
                                    {"absent", fault::respond(404)},
                                    {"reset", fault::reset_at_once()}};
    for (const auto& fault : faults) {
        INFO(fault.name);
        FakeRegistry server(FakeRegistry::Auth::Bearer);
        put_image(server);
        break_requests(server, "GET", "/token", kAlways, fault.handler);
        const TempDir home("home");
        Run run({}, login(home, server.domain()));
        const auto error = error_of([&] { (void)run.client(server.domain() + "/" + kPath).get_manifest("v1"); });
        CHECK(error.kind() == ErrorKind::Transient);
        CHECK_THAT(error.message(), Catch::Contains("127.0.0.1") && !Catch::Contains("s3cret"));
    }
}

TEST_CASE("a manifest's redirect to a link-local address is refused", "[registry]") {
    FakeRegistry server;
    break_requests(server, "GET", "/", kAlways, fault::redirect(307, "http://169.254.169.254/latest/meta-data"));
    Run run;
    const auto client = run.client(server.domain() + "/" + kPath);
    CHECK_THROWS_AS(client.get_manifest("v1"), Error);
}

TEST_CASE("a transfer that is broken again and again, but gets on, comes to its end", "[registry]") {
    constexpr std::size_t kPart = 5U << 20;
    const std::string right(8 * kPart, 'r');
    FakeRegistry server;
    server.add_blob(kPath, right);
    Run run;
    std::uint64_t got = 0;
    server.set_hook([&](const FaultRequest& request, FaultConnection& connection) {
        const auto range = request.header("range");
        const std::size_t start = range.empty() ? 0 : std::stoull(range.substr(6));
        const std::string more = range.empty() ? "" : "Content-Range: bytes " + std::to_string(start) + "-1/2\r\n";
        connection.send(fault::head(range.empty() ? 200 : 206, right.size() - start, more) +
                        right.substr(start, kPart));
        if (start + kPart < right.size()) connection.close();
        return true;
    });
    run.client(server.domain() + "/" + kPath).fetch_blob(oci::describe("t", right), [&](std::string_view part) {
        got += part.size();
    });
    CHECK(got == right.size());
    CHECK(server.requests().size() == 8);
}
