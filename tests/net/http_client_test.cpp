#include "net/http_client.hpp"

#include <catch2/catch.hpp>
#include <thread>

#include "base/fs.hpp"
#include "support/fault_server.hpp"

using namespace envbuild;
using namespace envbuild::testing;
using namespace std::chrono_literals;

namespace {

HttpSettings quick() {
    HttpSettings settings;
    settings.retry.base_delay = 1ms;
    settings.retry.max_delay = 5ms;
    return settings;
}

Url url(std::string_view text) {
    return value_or_throw(Url::parse(text));
}

HttpRequest request(std::string_view address, std::string method = "GET") {
    HttpRequest one;
    one.method = std::move(method);
    one.url = url(address);
    one.stall_timeout = 300ms;
    return one;
}

Error error_of(const std::function<void()>& work) {
    try {
        work();
    } catch (const Error& error) {
        return error;
    }
    throw std::runtime_error("no error came");
}

class StringSource : public BodySource {
  public:
    StringSource(std::string bytes, bool sized, bool rewindable)
        : bytes_(std::move(bytes)), sized_(sized), rewindable_(rewindable) {}
    std::size_t read(char* buffer, std::size_t size) override {
        const auto got = bytes_.copy(buffer, size, position_);
        position_ += got;
        return got;
    }
    std::optional<std::uint64_t> size() const override {
        return sized_ ? std::optional<std::uint64_t>(bytes_.size()) : std::nullopt;
    }
    bool rewind() override {
        position_ = 0;
        return rewindable_;
    }

  private:
    std::string bytes_;
    bool sized_, rewindable_;
    std::size_t position_ = 0;
};

const std::string kBody = [] {
    std::string text;
    for (int i = 0; i < 5000; ++i) text += std::to_string(i) + "\n";
    return text;
}();

}  // namespace

TEST_CASE("An answer comes with its status, headers and body") {
    FaultServer server(fault::respond(200, kBody, "X-Thing: Value\r\n"));
    HttpClient client(quick(), {});
    const auto response = client.send(request(server.url("/a?b=c#d")));
    CHECK(response.status == 200);
    CHECK(response.body == kBody);
    CHECK(response.header("x-thing") == "Value");
    CHECK(response.header("absent").empty());
    CHECK(response.final_url.to_string() == server.url("/a?b=c#d"));
    REQUIRE(server.requests().size() == 1);
    CHECK(server.requests()[0].target == "/a?b=c");
    CHECK(server.requests()[0].header("user-agent") == "envbuild/0.1");
}

TEST_CASE("One connection serves request after request") {
    FaultServer server(fault::respond(200, "x"));
    HttpClient client(quick(), {});
    for (int i = 0; i < 5; ++i) CHECK(client.send(request(server.url())).body == "x");
    CHECK(server.requests().size() == 5);
    CHECK(server.connections() == 1);
}

TEST_CASE("A transient fault is survived three times over") {
    const auto good = fault::respond(200, kBody);
    const auto fault_handler = GENERATE_COPY(
        as<FaultHandler>{}, fault::close_at_once(), fault::reset_at_once(), fault::reset_after(kBody, 100),
        fault::cut_short(kBody, 100), fault::chunked_cut_short("abc"), fault::stall_after(kBody, 100),
        fault::stall_at_once(), fault::respond(408), fault::respond(429), fault::respond(500), fault::respond(502),
        fault::respond(503), fault::respond(504), fault::respond(429, "", "Retry-After: 0\r\n"),
        fault::respond(503, "", "Retry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\n"),
        fault::respond(503, "", "Retry-After: soon\r\n"));
    FaultServer server(fault::in_turn({fault_handler, fault_handler, fault_handler, good}));
    HttpClient client(quick(), {});
    const auto response = client.send(request(server.url()));
    CHECK(response.status == 200);
    CHECK(response.body == kBody);
    CHECK(server.requests().size() == 4);
}

TEST_CASE("A fault that stays ends in one error that names host, request and cause") {
    struct Case {
        FaultHandler handler;
        std::string part;
    };
    const auto [handler, part] = GENERATE_COPY(
        Case{fault::close_at_once(), "closed the connection"}, Case{fault::reset_after(kBody, 9), "connection"},
        Case{fault::cut_short(kBody, 100), "cut short"}, Case{fault::stall_after(kBody, 100), "nothing came for 0.3 s"},
        Case{fault::garbage(), "not HTTP"});
    FaultServer server(handler);
    HttpClient client(quick(), {});
    auto one = request(server.url("/thing?signature=hidden"));
    one.max_attempts = 2;
    const auto error = error_of([&] { (void)client.send(one); });
    CHECK(error.kind() == ErrorKind::Transient);
    CHECK_THAT(error.message(), Catch::Contains("GET " + server.url("/thing") + ":"));
    CHECK_THAT(error.message(), Catch::Contains(part));
    CHECK_THAT(error.message(), Catch::Contains("tried 2 times"));
    CHECK_THAT(error.message(), !Catch::Contains("hidden"));
    CHECK(server.requests().size() == 2);
}

TEST_CASE("Nobody listens") {
    HttpClient client(quick(), {});
    const auto address = "http://127.0.0.1:" + std::to_string(fault::unused_port()) + "/x";
    const auto error = error_of([&] { (void)client.send(request(address, "POST")); });
    CHECK(error.kind() == ErrorKind::Transient);
    CHECK_THAT(error.message(), Catch::Contains("POST " + address));
    CHECK_THAT(error.message(), Catch::Contains("tried 4 times"));
}

TEST_CASE("An answer that is final is not asked for again") {
    const int status = GENERATE(400, 401, 403, 404, 405, 410, 416, 501);
    FaultServer server(fault::respond(status, "no"));
    HttpClient client(quick(), {});
    CHECK(client.send(request(server.url())).status == status);
    CHECK(server.requests().size() == 1);
}

TEST_CASE("A server that asks for a long wait is given up at once") {
    FaultServer server(fault::respond(429, "", "Retry-After: 3600\r\n"));
    HttpClient client(quick(), {});
    CHECK(client.send(request(server.url())).status == 429);
    CHECK(server.requests().size() == 1);
}

TEST_CASE("A POST is sent once unless it was surely not taken up") {
    HttpClient client(quick(), {});
    SECTION("after a reset nobody knows") {
        FaultServer server(fault::reset_at_once());
        CHECK_THROWS_AS(client.send(request(server.url(), "POST")), Error);
        CHECK(server.requests().size() == 1);
    }
    SECTION("a 500 may have done half the work") {
        FaultServer server(fault::respond(500));
        CHECK(client.send(request(server.url(), "POST")).status == 500);
        CHECK(server.requests().size() == 1);
    }
    SECTION("429 says that nothing was done") {
        FaultServer server(fault::in_turn({fault::respond(429), fault::respond(201)}));
        CHECK(client.send(request(server.url(), "POST")).status == 201);
    }
    SECTION("the caller may know better") {
        FaultServer server(fault::in_turn({fault::respond(500), fault::respond(201)}));
        auto one = request(server.url(), "POST");
        one.idempotent = true;
        CHECK(client.send(one).status == 201);
    }
}

TEST_CASE("A connection that died while idle costs no attempt") {
    FaultServer server([](const FaultRequest& asked, FaultConnection& connection) {
        fault::respond(200, asked.body)(asked, connection);
        connection.close();
    });
    HttpClient client(quick(), {});
    for (int i = 0; i < 3; ++i) {
        auto one = request(server.url(), "POST");
        one.body = "body " + std::to_string(i);
        one.max_attempts = 1;
        CHECK(client.send(one).body == one.body);
    }
}

TEST_CASE("More than announced is cut off") {
    FaultServer server(fault::longer_than_announced("0123456789", 4));
    HttpClient client(quick(), {});
    CHECK(client.send(request(server.url())).body == "0123");
}

TEST_CASE("A body past its limit is refused, also where it was not announced") {
    const auto handler =
        GENERATE_COPY(as<FaultHandler>{}, fault::respond(200, kBody), fault::cut_short_without_length(kBody, 20000));
    FaultServer server(handler);
    HttpClient client(quick(), {});
    auto one = request(server.url());
    one.body_limit = 1000;
    const auto error = error_of([&] { (void)client.send(one); });
    CHECK(error.kind() == ErrorKind::Corrupt);
    CHECK_THAT(error.message(), Catch::Contains("larger than"));
}

TEST_CASE("The deadline holds against a server that drips") {
    FaultServer server(fault::drip(kBody, 20ms));
    HttpClient client(quick(), {});
    auto one = request(server.url());
    one.timeout = 250ms;
    const auto error = error_of([&] { (void)client.send(one); });
    CHECK(error.kind() == ErrorKind::Transient);
    CHECK_THAT(error.message(), Catch::Contains("within 0.25 s"));
    CHECK(server.requests().size() == 1);
}

TEST_CASE("Cancelling ends a request that hangs, and a wait between attempts") {
    const auto handler = GENERATE_COPY(as<FaultHandler>{}, fault::stall_at_once(), fault::stall_after(kBody, 10),
                                       fault::respond(503, "", "Retry-After: 50\r\n"));
    FaultServer server(handler);
    const CancelToken cancel;
    HttpClient client(quick(), cancel);
    auto one = request(server.url());
    one.stall_timeout = 0ms;
    std::thread later([&] {
        while (server.requests().empty()) std::this_thread::sleep_for(5ms);
        cancel.cancel();
    });
    const auto error = error_of([&] { (void)client.send(one); });
    later.join();
    CHECK(error.kind() == ErrorKind::Cancelled);
    CHECK(server.requests().size() == 1);
    CHECK(error_of([&] { (void)client.send(one); }).kind() == ErrorKind::Cancelled);
    CHECK(server.requests().size() == 1);
}

TEST_CASE("A sink gets the body in order, from the first byte again after a fault") {
    FaultServer server(
        fault::in_turn({fault::cut_short(kBody, 5000), fault::respond(503, "busy"), fault::respond(200, kBody)}));
    HttpClient client(quick(), {});
    std::string got;
    int restarts = 0, answers = 0;
    auto one = request(server.url());
    one.sink = [&](std::string_view bytes) { got += bytes; };
    one.on_response = [&](const HttpResponse& response) {
        CHECK(got.empty());
        CHECK(response.status == 200);
        ++answers;
    };
    SECTION("with restart") {
        one.restart = [&] {
            got.clear();
            ++restarts;
        };
        const auto response = client.send(one);
        CHECK(got == kBody);
        CHECK(response.body.empty());
        CHECK(restarts == 1);
        CHECK(answers == 2);
    }
    SECTION("without restart there is no second attempt") {
        CHECK(error_of([&] { (void)client.send(one); }).kind() == ErrorKind::Transient);
        CHECK(server.requests().size() == 1);
    }
}

TEST_CASE("An exception of the sink ends the transfer and comes out") {
    FaultServer server(fault::stall_after(kBody, 100));
    HttpClient client(quick(), {});
    auto one = request(server.url());
    one.sink = [](std::string_view) { throw std::logic_error("enough"); };
    CHECK_THROWS_WITH(client.send(one), "enough");
    CHECK(server.requests().size() == 1);
}

TEST_CASE("The body of an error goes to the response, not to the sink, and only its beginning is kept") {
    FaultServer server(fault::respond(404, std::string(2 << 20, 'x')));
    HttpClient client(quick(), {});
    auto one = request(server.url());
    one.sink = [](std::string_view) { FAIL("the sink was called"); };
    const auto response = client.send(one);
    CHECK(response.status == 404);
    CHECK(response.body.size() <= (256 << 10));
}

TEST_CASE("Bodies are uploaded from strings and sources") {
    FaultServer server(fault::respond(201));
    HttpClient client(quick(), {});
    const auto method = GENERATE(as<std::string>{}, "POST", "PUT", "PATCH");
    auto one = request(server.url(), method);
    SECTION("a string") {
        one.body = kBody;
    }
    SECTION("a source with a size") {
        one.source = std::make_shared<StringSource>(kBody, true, true);
    }
    SECTION("a source without a size") {
        one.source = std::make_shared<StringSource>(kBody, false, true);
    }
    CHECK(client.send(one).status == 201);
    const auto asked = server.requests().at(0);
    CHECK(asked.method == method);
    CHECK(asked.body == kBody);
    CHECK(asked.header("expect").empty());
    CHECK(asked.header("content-type").empty());
    CHECK(asked.header("transfer-encoding") == (one.source && !one.source->size() ? "chunked" : ""));
}

TEST_CASE("Requests without a body say so") {
    FaultServer server(fault::respond(200));
    HttpClient client(quick(), {});
    for (const auto* method : {"POST", "PUT"}) CHECK(client.send(request(server.url(), method)).ok());
    CHECK(client.send(request(server.url(), "DELETE")).ok());
    CHECK(client.send(request(server.url(), "HEAD")).ok());
    const auto asked = server.requests();
    CHECK(asked.at(0).header("content-length") == "0");
    CHECK(asked.at(1).header("content-length") == "0");
    CHECK(asked.at(2).method == "DELETE");
    CHECK(asked.at(3).method == "HEAD");
}

TEST_CASE("A streamed body is sent again only when it can be rewound") {
    FaultServer server(fault::in_turn({fault::respond(503), fault::respond(201)}));
    HttpClient client(quick(), {});
    auto one = request(server.url(), "PUT");
    const bool rewindable = GENERATE(true, false);
    one.source = std::make_shared<StringSource>(kBody, true, rewindable);
    CHECK(client.send(one).status == (rewindable ? 201 : 503));
    CHECK(server.requests().back().body == kBody);
}

TEST_CASE("An exception of a body source comes out") {
    class Broken : public BodySource {
        std::size_t read(char*, std::size_t) override { throw std::logic_error("the disk is gone"); }
    };
    FaultServer server(fault::respond(201));
    HttpClient client(quick(), {});
    auto one = request(server.url(), "PUT");
    one.source = std::make_shared<Broken>();
    CHECK_THROWS_WITH(client.send(one), "the disk is gone");
}

TEST_CASE("A server that refuses an upload before its end is heard") {
    FaultServer server([](const FaultRequest& asked, FaultConnection& connection) {
        fault::respond(401, R"({"message":"who are you"})")(asked, connection);
    });
    HttpClient client(quick(), {});
    auto one = request(server.url(), "PUT");
    one.source = std::make_shared<StringSource>(std::string(1 << 20, 'x'), true, false);
    CHECK(client.send(one).status == 401);
}

TEST_CASE("A unix socket is spoken to like a host") {
    const TempDir folder("envbuild-net");
    const auto socket = (folder.path() / "s.sock").string();
    FaultServer server(socket, fault::respond(200, "over the socket"));
    HttpClient client(quick(), {});
    auto one = request("http://docker/v1/x");
    one.unix_socket = socket;
    CHECK(client.send(one).body == "over the socket");
    CHECK(server.requests().at(0).target == "/v1/x");
    CHECK(server.requests().at(0).header("host") == "docker");
}

TEST_CASE("What is on this machine is never asked for through a proxy") {
    FaultServer proxy(fault::respond(200, "from the proxy"));
    FaultServer server(fault::respond(200, "from the server"));
    ::setenv("http_proxy", proxy.url("").c_str(), 1);
    HttpClient client(quick(), CancelToken());
    HttpRequest asked = request(server.url("/v2/"));
    asked.basic = UserInfo{"me", Secret("word")};
    const auto here = client.send(asked).body;
    const auto there = client.send(request("http://registry.invalid/v2/")).body;
    ::unsetenv("http_proxy");
    CHECK(here == "from the server");
    CHECK(there == "from the proxy");
    REQUIRE(proxy.requests().size() == 1);
    CHECK(proxy.requests().front().header("authorization").empty());
}

TEST_CASE("A range's beginning is read from the answer") {
    const auto start = [](const std::string& header) {
        HttpResponse response;
        response.headers["content-range"] = header;
        return response.range_start();
    };
    CHECK(start("bytes 100-199/200") == 100);
    CHECK(start("bytes 0-1/*") == 0);
    for (const auto* bad : {"", "bytes", "bytes -", "bytes x-1/2", "bytes 5", "items 1-2/3"}) CHECK_FALSE(start(bad));
}

TEST_CASE("A header cannot be smuggled in") {
    FaultServer server(fault::respond(200));
    HttpClient client(quick(), {});
    auto one = request(server.url());
    one.headers["x-a"] = "b\r\nx-c: d";
    CHECK(error_of([&] { (void)client.send(one); }).kind() == ErrorKind::InvalidInput);
    CHECK(server.requests().empty());
}

TEST_CASE("Compressed answers are decoded when asked for") {
    // gzip of "hello\n"
    const std::string gzip(
        "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xcb\x48\xcd\xc9\xc9\xe7\x02\x00\x20\x30\x3a\x36\x06\x00\x00\x00", 26);
    FaultServer server(fault::respond(200, gzip, "Content-Encoding: gzip\r\n"));
    HttpClient client(quick(), {});
    auto one = request(server.url());
    CHECK(client.send(one).body == gzip);
    one.decompress = true;
    CHECK(client.send(one).body == "hello\n");
    CHECK_THAT(server.requests().at(1).header("accept-encoding"), Catch::Contains("gzip"));
    CHECK(server.requests().at(0).header("accept-encoding").empty());
}

TEST_CASE("file: URLs answer like a server") {
    const TempDir folder("envbuild-net");
    write_file_atomic(folder.path() / "a b.txt", kBody);
    HttpClient client(quick(), {});
    CHECK(client.get(Url::from_path((folder.path() / "a b.txt").string())).body == kBody);
    HttpRequest one;
    one.url = Url::from_path((folder.path() / "absent").string());
    CHECK(client.send(one).status == 404);
    one.url = Url::from_path(folder.path().string());
    CHECK(client.send(one).status == 404);
    CHECK(error_of([&] { (void)client.get(one.url); }).kind() == ErrorKind::NotFound);
}

TEST_CASE("Other schemes are refused") {
    HttpClient client(quick(), {});
    const auto error = error_of([&] { (void)client.send(request("ftp://127.0.0.1/x")); });
    CHECK(error.kind() == ErrorKind::InvalidInput);
    CHECK_THAT(error.message(), Catch::Contains("ftp"));
}

TEST_CASE("Many threads share one client") {
    FaultServer server([](const FaultRequest& asked, FaultConnection& connection) {
        fault::respond(200, asked.target)(asked, connection);
    });
    HttpClient client(quick(), {});
    std::atomic<int> right = 0;
    std::vector<std::thread> threads;
    for (int t = 0; t < 8; ++t) {
        threads.emplace_back([&, t] {
            for (int i = 0; i < 20; ++i) {
                const auto path = "/" + std::to_string(t) + "/" + std::to_string(i);
                if (client.get(url(server.url(path))).body == path) ++right;
            }
        });
    }
    for (auto& thread : threads) thread.join();
    CHECK(right == 160);
    CHECK(server.connections() <= 8);
}
