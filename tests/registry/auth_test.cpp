// Authorization: Basic, Bearer, tokens kept between runs, and where credentials never go.
#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "base/parallel.hpp"
#include "registry/hosts.hpp"
#include "support/registry_run.hpp"

using namespace envbuild;
using namespace envbuild::testing;
using Auth = FakeRegistry::Auth;

namespace {

void fill(FakeRegistry& registry) {
    registry.add_manifest("team/envs", "v1", std::string(oci::media_type::kManifest), image_manifest("layer"));
}

}  // namespace

TEST_CASE("a registry that asks for Basic gets the login's password", "[registry]") {
    FakeRegistry server(Auth::Basic);
    fill(server);
    const TempDir home("home");
    Run run({}, login(home, server.domain()));
    auto client = run.client(server.domain() + "/team/envs");
    CHECK(client.get_manifest("v1"));
    CHECK(server.count("GET", "/manifests/") == 2);
    CHECK(client.get_manifest("v1"));
    CHECK(server.count("GET", "/manifests/") == 3);  // from now on at once
}

// Uploads run side by side: one thread's challenge once threw away what another had just been granted, which then went
// without.
TEST_CASE("many threads that are challenged at once all get in", "[registry]") {
    for (const auto auth : {Auth::Basic, Auth::Bearer}) {
        for (int round = 0; round < 20; ++round) {
            FakeRegistry server(auth);
            fill(server);
            const TempDir home("home");
            Run run({}, login(home, server.domain()));
            parallel_for(8, 8, [&](std::size_t) {
                auto client = run.client(server.domain() + "/team/envs");
                if (!client.get_manifest("v1")) throw Error(ErrorKind::NotFound, "the manifest is not there");
            });
        }
    }
    SUCCEED("no thread was refused");
}

TEST_CASE("a registry that asks for a token gets one, for the scope that is needed", "[registry]") {
    FakeRegistry server(Auth::Bearer);
    fill(server);
    const TempDir home("home");
    Run run({}, login(home, server.domain()));
    auto client = run.client(server.domain() + "/team/envs");
    CHECK(client.get_manifest("v1"));
    CHECK(client.get_manifest("v1"));
    CHECK(server.count("GET", "/token") == 1);
    CHECK(server.count("GET", "/manifests/") == 3);
    for (const auto& request : server.requests()) {
        if (!request.target.starts_with("/token")) continue;
        CHECK_THAT(request.target, Catch::Contains("scope=" + percent_encode("repository:team/envs:pull")));
        CHECK_THAT(request.target, Catch::Contains("service=" + percent_encode("fake, \"service\"")));
    }
}

TEST_CASE("an identity token is exchanged for a bearer token", "[registry]") {
    FakeRegistry server(Auth::Bearer);
    fill(server);
    const TempDir home("home");
    write_file_atomic(home.path() / "config.json",
                      R"({"auths":{")" + server.domain() + R"(":{"identitytoken":"s3cret"}}})");
    Run run({}, registry::DockerConfig::load(
                    ProcessEnv({{"DOCKER_CONFIG", home.path().string()}, {"HOME", home.path().string()}})));
    CHECK(run.client(server.domain() + "/team/envs").get_manifest("v1"));
    CHECK(server.count("POST", "/token") == 1);
}

TEST_CASE("a token is kept for the next run, readable by its owner alone, and is one round trip", "[registry]") {
    FakeRegistry server(Auth::Bearer);
    fill(server);
    const TempDir home("home");
    registry::RegistrySettings settings;
    settings.token_cache = home.path() / "tokens";
    {
        Run run(settings, login(home, server.domain()));
        CHECK(run.client(server.domain() + "/team/envs").get_manifest("v1"));
    }
    const auto before = server.requests().size();
    const auto same_login = registry::DockerConfig::load(
        ProcessEnv({{"DOCKER_CONFIG", home.path().string()}, {"HOME", home.path().string()}}));
    {
        Run run(settings, same_login);
        CHECK(run.client(server.domain() + "/team/envs").get_manifest("v1"));
    }
    CHECK(server.requests().size() == before + 1);
    struct stat status{};
    REQUIRE(::stat(settings.token_cache.c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0700);
    for (const auto& entry : fs::directory_iterator(settings.token_cache)) {
        REQUIRE(::stat(entry.path().c_str(), &status) == 0);
        CHECK((status.st_mode & 0777) == 0600);
        CHECK_THAT(read_file(entry.path()), !Catch::Contains("s3cret"));
    }

    SECTION("a token that was revoked is fetched anew") {
        server.revoke_tokens();
        Run run(settings, same_login);
        CHECK(run.client(server.domain() + "/team/envs").get_manifest("v1"));
        CHECK(server.count("GET", "/token") == 2);
    }
    SECTION("a damaged file is as none") {
        for (const auto& entry : fs::directory_iterator(settings.token_cache)) write_file_atomic(entry.path(), "{");
        Run run(settings, same_login);
        CHECK(run.client(server.domain() + "/team/envs").get_manifest("v1"));
    }
    SECTION("another login does not use the old login's token") {
        Run run(settings, login(home, server.domain(), "mallory", "wrong"));
        CHECK(error_of([&] { (void)run.client(server.domain() + "/team/envs").get_manifest("v1"); }).kind() ==
              ErrorKind::Unauthorized);
    }
}

TEST_CASE("without a login the error says where was looked and what to do", "[registry]") {
    for (const auto auth : {Auth::Basic, Auth::Bearer}) {
        FakeRegistry server(auth);
        const TempDir home("home");
        Run run({}, login(home, "other.registry"));
        const auto error = error_of([&] { (void)run.client(server.domain() + "/team/envs").get_manifest("v1"); });
        CHECK(error.kind() == ErrorKind::Unauthorized);
        CHECK_THAT(error.to_string(), Catch::Contains(server.domain()) && Catch::Contains("config.json") &&
                                          Catch::Contains("docker login " + server.domain()));
    }
}

TEST_CASE("a wrong password is told with the user and the file it came from", "[registry]") {
    for (const auto auth : {Auth::Basic, Auth::Bearer}) {
        FakeRegistry server(auth);
        const TempDir home("home");
        Run run({}, login(home, server.domain(), "bob", "hunter2"));
        const auto error = error_of([&] { (void)run.client(server.domain() + "/team/envs").get_manifest("v1"); });
        CHECK(error.kind() == ErrorKind::Unauthorized);
        CHECK_THAT(error.to_string(), Catch::Contains("'bob'") && Catch::Contains("config.json") &&
                                          !Catch::Contains("hunter2") && !Catch::Contains(base64("bob:hunter2")));
    }
}

TEST_CASE("credentials do not go to a realm over plain http elsewhere, nor to link-local addresses", "[registry]") {
    for (const std::string realm : {"http://auth.example.org/token", "http://169.254.169.254/latest",
                                    "https://169.254.169.254/latest", "ftp://x/y", "nonsense"}) {
        INFO(realm);
        FakeRegistry server(Auth::Bearer);
        server.set_realm(realm);
        const TempDir home("home");
        Run run({}, login(home, server.domain()));
        const auto error = error_of([&] { (void)run.client(server.domain() + "/team/envs").get_manifest("v1"); });
        CHECK((error.kind() == ErrorKind::Unauthorized || error.kind() == ErrorKind::Transient));
        CHECK_THAT(error.to_string(), Catch::Contains(server.domain()) && !Catch::Contains("s3cret"));
    }
}

TEST_CASE("credentials do not follow a redirect to another origin", "[registry]") {
    FakeRegistry other;
    const std::string bytes = "the layer";
    other.add_blob("cdn", bytes);
    for (const auto auth : {Auth::Basic, Auth::Bearer}) {
        FakeRegistry server(auth);
        const auto blob = oci::describe("t", bytes);
        server.set_hook([&](const FaultRequest& request, FaultConnection& connection) {
            if (request.header("authorization").empty() || request.target.find("/blobs/") == std::string::npos)
                return false;
            fault::redirect(307, "http://" + other.domain() + "/v2/cdn/blobs/" + blob.digest.to_string())(request,
                                                                                                          connection);
            return true;
        });
        const TempDir home("home");
        Run run({}, login(home, server.domain()));
        std::string got;
        run.client(server.domain() + "/team/envs").fetch_blob(blob, [&](std::string_view part) { got += part; });
        CHECK(got == bytes);
    }
    REQUIRE_FALSE(other.requests().empty());
    for (const auto& request : other.requests()) CHECK(request.header("authorization").empty());
}

TEST_CASE("credentials do not follow an upload to another origin", "[registry]") {
    FakeRegistry other;
    FakeRegistry server(Auth::Basic);
    server.set_hook([&](const FaultRequest& request, FaultConnection& connection) {
        if (request.method != "POST" || request.header("authorization").empty()) return false;
        fault::respond(202, "", "Location: http://" + other.domain() + "/v2/x/blobs/uploads/1\r\n")(request,
                                                                                                    connection);
        return true;
    });
    const TempDir home("home");
    Run run({}, login(home, server.domain()));
    auto client = run.client(server.domain() + "/team/envs");
    CHECK_THROWS_AS(client.upload_blob(oci::describe("t", "x"), *oci::bytes_source("x")), Error);
    REQUIRE_FALSE(other.requests().empty());
    for (const auto& request : other.requests()) CHECK(request.header("authorization").empty());
}

TEST_CASE("a token that ends in the middle is fetched again", "[registry]") {
    FakeRegistry server(Auth::Bearer);
    const TempDir home("home");
    Run run({}, login(home, server.domain()));
    auto client = run.client(server.domain() + "/team/envs");
    std::atomic<bool> done = false;
    server.set_hook([&](const FaultRequest& request, FaultConnection&) {
        if (request.method == "PUT" && !done.exchange(true)) server.revoke_tokens();
        return false;
    });
    const std::string content(100000, 'z');
    client.upload_blob(oci::describe("t", content), *oci::bytes_source(content));
    CHECK(server.has_blob("team/envs", sha256(content)));
}

TEST_CASE("the scheme of a registry follows from its host and the settings", "[registry]") {
    registry::RegistrySettings settings;
    settings.insecure = {"plain.lab", "ports.lab:5000"};
    const auto url = [&](const std::string& domain) { return registry::base_url(domain, settings).to_string(); };
    CHECK(url("localhost:5000") == "http://localhost:5000");
    CHECK(url("127.0.0.1") == "http://127.0.0.1");
    CHECK(url("[::1]:5000") == "http://[::1]:5000");
    CHECK(url("plain.lab:80") == "http://plain.lab");
    CHECK(url("ports.lab:5000") == "http://ports.lab:5000");
    CHECK(url("ports.lab") == "https://ports.lab");
    CHECK(url("docker.io") == "https://registry-1.docker.io");
    CHECK(url("127.evil.org") == "https://127.evil.org");
    CHECK(url("localhost.evil.org") == "https://localhost.evil.org");
}
