#include <catch2/catch.hpp>

#include "base/fs.hpp"
#include "net/http_client.hpp"
#include "support/fault_server.hpp"

using namespace envbuild;
using namespace envbuild::testing;
using namespace std::chrono_literals;

namespace {

Url url(std::string_view text) {
    return value_or_throw(Url::parse(text));
}

HttpRequest request(std::string_view address, std::string method = "GET") {
    HttpRequest one;
    one.method = std::move(method);
    one.url = url(address);
    one.max_attempts = 1;
    return one;
}

Error error_of(HttpClient& client, const HttpRequest& one) {
    try {
        (void)client.send(one);
    } catch (const Error& error) {
        return error;
    }
    throw std::runtime_error("no error came");
}

}  // namespace

TEST_CASE("A redirect is followed, and the answer says where it came from") {
    const int status = GENERATE(301, 302, 303, 307, 308);
    FaultServer server([&](const FaultRequest& asked, FaultConnection& connection) {
        if (asked.target == "/a/b")
            fault::redirect(status, "../c?d")(asked, connection);
        else
            fault::respond(200, "there")(asked, connection);
    });
    HttpClient client({}, {});
    const auto response = client.send(request(server.url("/a/b")));
    CHECK(response.body == "there");
    CHECK(response.final_url.to_string() == server.url("/c?d"));
    auto stay = request(server.url("/a/b"));
    stay.follow_redirects = false;
    CHECK(client.send(stay).status == status);
}

TEST_CASE("The method and the body survive 307 and 308 and become a GET otherwise") {
    const int status = GENERATE(301, 302, 303, 307, 308);
    FaultServer server([&](const FaultRequest& asked, FaultConnection& connection) {
        if (asked.target == "/from")
            fault::redirect(status, "/to")(asked, connection);
        else
            fault::respond(200)(asked, connection);
    });
    HttpClient client({}, {});
    auto one = request(server.url("/from"), "POST");
    one.body = "the body";
    CHECK(client.send(one).ok());
    const auto last = server.requests().back();
    CHECK(last.method == (status >= 307 ? "POST" : "GET"));
    CHECK(last.body == (status >= 307 ? "the body" : ""));
}

TEST_CASE("Credentials stay with their origin") {
    FaultServer other(fault::respond(200, "there"));
    FaultServer server([&](const FaultRequest& asked, FaultConnection& connection) {
        if (asked.target == "/near")
            fault::redirect(302, "/here")(asked, connection);
        else if (asked.target == "/port")
            fault::redirect(302, other.url("/x"))(asked, connection);
        else if (asked.target == "/host")
            fault::redirect(307, "http://localhost:" + asked.header("host").substr(10) + "/here")(asked, connection);
        else
            fault::respond(200)(asked, connection);
    });
    HttpClient client({}, {});
    auto with_credential = [&](const std::string& path) {
        auto one = request(server.url(path));
        const auto kind = GENERATE(0, 1, 2, 3);
        if (kind == 0) one.basic = UserInfo{"user", Secret("pass")};
        if (kind == 1) one.bearer = Secret("token");
        if (kind == 2) one.headers["Authorization"] = "Custom thing";
        if (kind == 3) one.url = one.url.with_user_info({"user", Secret("pass")});
        one.headers["X-Registry-Auth"] = "abc";
        one.headers["x-harmless"] = "1";
        return one;
    };
    SECTION("kept within it") {
        CHECK(client.send(with_credential("/near")).ok());
        CHECK_FALSE(server.requests().at(1).header("authorization").empty());
        CHECK(server.requests().at(1).header("x-registry-auth") == "abc");
    }
    SECTION("dropped on another port") {
        CHECK(client.send(with_credential("/port")).ok());
        CHECK_FALSE(server.requests().at(0).header("authorization").empty());
        CHECK(other.requests().at(0).header("authorization").empty());
        CHECK(other.requests().at(0).header("x-registry-auth").empty());
        CHECK(other.requests().at(0).header("x-harmless") == "1");
    }
    SECTION("dropped on another host") {
        CHECK(client.send(with_credential("/host")).ok());
        CHECK(server.requests().at(1).header("authorization").empty());
    }
}

TEST_CASE("A redirect loop ends") {
    FaultServer server(fault::redirect(302, "/again"));
    HttpClient client({}, {});
    const auto error = error_of(client, request(server.url()));
    CHECK(error.kind() == ErrorKind::Transient);
    CHECK_THAT(error.message(), Catch::Contains("redirects"));
    CHECK(server.requests().size() == 11);
}

TEST_CASE("Redirects that lead nowhere good are refused") {
    struct Case {
        std::string location;
        std::string part;
    };
    const auto [location, part] = GENERATE(Case{"http://169.254.169.254/latest/meta-data", "link-local"},
                                           Case{"http://[fe80::1]/x", "link-local"}, Case{"file:///etc/passwd", "file"},
                                           Case{"ftp://127.0.0.1/x", "ftp"}, Case{"http://", "no URL"});
    FaultServer server(fault::redirect(302, location));
    HttpClient client({}, {});
    const auto error = error_of(client, request(server.url()));
    CHECK_THAT(error.message(), Catch::Contains(part));
    CHECK(server.requests().size() == 1);
}

TEST_CASE("What answers on a socket cannot send the client to another host") {
    const TempDir folder("envbuild-net");
    const auto socket = (folder.path() / "s.sock").string();
    FaultServer other(fault::respond(200));
    FaultServer server(socket, fault::in_turn({fault::redirect(302, "/near"), fault::redirect(302, other.url())}));
    HttpClient client({}, {});
    auto one = request("http://docker/x");
    one.unix_socket = socket;
    CHECK_THAT(error_of(client, one).message(), Catch::Contains("another host"));
    CHECK(server.requests().at(1).target == "/near");
    CHECK(other.requests().empty());
}
