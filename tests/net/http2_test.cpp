#include <atomic>
#include <catch2/catch.hpp>
#include <thread>

#include "net/http_client.hpp"
#include "net/tls_server_support.hpp"
#include "support/fault_server.hpp"

using namespace envbuild;
using namespace envbuild::testing;
using namespace std::chrono_literals;

namespace {

using Speaks = TlsServer::Speaks;
using Fault = TlsReply::Fault;

// libcurl lets a server send 32 MiB of a stream before it must ask.
constexpr std::size_t kPastTheWindow = 40 << 20;

HttpSettings trusting(const TlsServer& server) {
    HttpSettings settings;
    settings.ca_file = server.ca_file();
    settings.retry.base_delay = 1ms;
    settings.retry.max_delay = 5ms;
    return settings;
}

HttpRequest get(const std::string& address) {
    HttpRequest request;
    request.url = value_or_throw(Url::parse(address));
    return request;
}

TlsReply path_as_body(const TlsRequest& request) {
    return {.body = request.path};
}

std::optional<Error> error_of(const std::function<void()>& work) {
    try {
        work();
    } catch (Error& error) {
        return std::move(error);
    }
    return std::nullopt;
}

// Asks for /0 to /(count-1) at once, each on its thread; how many answers were what they should be.
int right_answers(HttpClient& client, const TlsServer& server, int count, int max_attempts = 4) {
    std::atomic<int> right = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < count; ++i) {
        threads.emplace_back([&, path = "/" + std::to_string(i)] {
            auto request = get(server.url(path));
            request.max_attempts = max_attempts;
            const auto error = error_of([&] { right += client.send(request).body == path ? 1 : 0; });
            if (error) std::fprintf(stderr, "%s\n", error->message().c_str());
        });
    }
    for (auto& thread : threads) thread.join();
    return right;
}

}  // namespace

TEST_CASE("Fifty requests at once share one HTTP/2 connection") {
    std::atomic<int> asked = 0;
    TlsServer server(Speaks::Http2, [&](const TlsRequest& request) {
        const bool first = asked.fetch_add(1) == 0;
        return TlsReply{.body = request.path, .ready = [&, first] { return first || asked == 51; }};
    });
    HttpClient client(trusting(server), {});
    CHECK(client.send(get(server.url("/"))).body == "/");
    CHECK(right_answers(client, server, 50) == 50);  // which the server holds back until it has all fifty
    CHECK(server.connections() == 1);
    CHECK(server.requests().size() == 51);
}

TEST_CASE("Nobody connects a second time while it is not known what the server speaks") {
    TlsServer server(Speaks::Http2, path_as_body);
    HttpClient client(trusting(server), {});
    CHECK(right_answers(client, server, 50) == 50);
    CHECK(server.connections() == 1);
    CHECK(server.requests().size() == 50);
}

TEST_CASE("What a server does not take on one connection goes over a second") {
    std::atomic<int> asked = 0;
    TlsServer server(Speaks::Http2, [&](const TlsRequest& request) {
        const bool first = asked.fetch_add(1) == 0;
        return TlsReply{.body = request.path, .ready = [&, first] { return first || asked == 131; }};
    });
    HttpClient client(trusting(server), {});
    CHECK(client.send(get(server.url("/"))).body == "/");
    CHECK(right_answers(client, server, 130) == 130);  // of which it takes 100 at once
    CHECK(server.connections() > 1);
    CHECK(server.connections() <= 4);
}

TEST_CASE("A sink that takes its time keeps nobody waiting") {
    const std::string large(kPastTheWindow, 'x');
    TlsServer server(Speaks::Http2, [&](const TlsRequest& request) {
        return TlsReply{.body = request.path == "/large" ? large : request.path};
    });
    HttpClient client(trusting(server), {});
    CHECK(client.send(get(server.url("/"))).body == "/");
    std::atomic<bool> begun = false, others_done = false;
    std::size_t got = 0;
    bool ok = false;
    std::thread slow([&] {
        auto request = get(server.url("/large"));
        request.sink = [&](std::string_view bytes) {
            begun = true;
            while (!others_done) std::this_thread::sleep_for(1ms);
            got += bytes.size();
        };
        ok = client.send(request).ok();
    });
    while (!begun) std::this_thread::sleep_for(1ms);
    CHECK(right_answers(client, server, 20) == 20);
    others_done = true;
    slow.join();
    CHECK(ok);
    CHECK(got == large.size());
    CHECK(server.connections() == 2);
}

TEST_CASE("A large answer and small ones come over one connection") {
    const std::string large(kPastTheWindow, 'x');
    TlsServer server(Speaks::Http2, [&](const TlsRequest& request) {
        return TlsReply{.body = request.path == "/large" ? large : request.path};
    });
    HttpClient client(trusting(server), {});
    CHECK(client.send(get(server.url("/"))).body == "/");
    bool whole = false;
    std::thread slow([&] { whole = client.send(get(server.url("/large"))).body == large; });
    CHECK(right_answers(client, server, 20) == 20);
    slow.join();
    CHECK(whole);
    CHECK(server.connections() == 1);
}

TEST_CASE("A stream that is reset fails alone, and its next try uses the same connection") {
    std::atomic<int> resets = 0;
    TlsServer server(Speaks::Http2, [&](const TlsRequest& request) {
        if (request.path == "/reset" && resets < 2) {
            ++resets;
            return TlsReply{.fault = Fault::Reset};
        }
        return TlsReply{.body = request.path, .ready = [&] { return resets > 0; }};
    });
    ++resets;
    HttpClient client(trusting(server), {});
    CHECK(client.send(get(server.url("/"))).body == "/");
    resets = 0;
    std::optional<Error> error;
    std::string second;
    std::thread broken([&] {
        auto request = get(server.url("/reset"));
        request.max_attempts = 1;
        error = error_of([&] { (void)client.send(request); });
        second = client.send(get(server.url("/reset"))).body;
    });
    CHECK(right_answers(client, server, 20, 1) == 20);  // which were under way when the other one broke
    broken.join();
    REQUIRE(error);
    CHECK(error->kind() == ErrorKind::Transient);
    CHECK(second == "/reset");
    CHECK(server.connections() == 1);
}

TEST_CASE("A server that goes away in the middle is asked again for what it did not take up") {
    std::atomic<int> asked = 0, gone = 0;
    TlsServer server(Speaks::Http2, [&](const TlsRequest& request) {
        if (asked++ == 10) return TlsReply{.ready = [&] { return asked >= 21; }, .fault = Fault::GoAway};
        return TlsReply{.body = request.path, .ready = [&, first = asked == 1] { return first || asked >= 21; }};
    });
    HttpClient client(trusting(server), {});
    CHECK(client.send(get(server.url("/"))).body == "/");
    CHECK(right_answers(client, server, 20) == 20);
    const auto connections = server.connections();
    CHECK(connections > 1);
    CHECK(connections <= 5);
    CHECK(right_answers(client, server, 20) == 20);
    CHECK(server.connections() == connections);
}

TEST_CASE("A connection that breaks under many requests is made again once") {
    std::atomic<int> asked = 0;
    TlsServer server(Speaks::Http2, [&](const TlsRequest& request) {
        const int number = ++asked;
        if (number == 5) return TlsReply{.ready = [&] { return asked >= 21; }, .fault = Fault::Close};
        return TlsReply{.body = request.path, .ready = [&, number] { return number == 1 || asked > 21; }};
    });
    HttpClient client(trusting(server), {});
    CHECK(client.send(get(server.url("/"))).body == "/");
    CHECK(right_answers(client, server, 20) == 20);
    CHECK(server.connections() == 2);
}

TEST_CASE("The deadline of one request is nothing to the others") {
    std::atomic<bool> over = false;
    TlsServer server(Speaks::Http2, [&](const TlsRequest& request) {
        const bool waits = request.path != "/";
        return TlsReply{.body = request.path,
                        .ready = [&, waits, late = request.path == "/late"] { return !waits || (over && !late); }};
    });
    HttpClient client(trusting(server), {});
    CHECK(client.send(get(server.url("/"))).body == "/");
    std::optional<Error> error;
    std::thread late([&] {
        auto request = get(server.url("/late"));
        request.timeout = 300ms;
        error = error_of([&] { (void)client.send(request); });
        over = true;
    });
    CHECK(right_answers(client, server, 20, 1) == 20);
    late.join();
    REQUIRE(error);
    CHECK_THAT(error->message(), Catch::Contains("within 0.3 s"));
    CHECK(server.connections() == 1);
    while (server.taken_back() < 1) std::this_thread::sleep_for(1ms);
    CHECK(server.taken_back() == 1);
}

TEST_CASE("Cancelling ends all that is under way on a shared connection, and all that waits for its beginning") {
    const bool known = GENERATE(true, false);
    TlsServer server(Speaks::Http2, [&](const TlsRequest& request) {
        return TlsReply{.body = request.path, .ready = [good = request.path == "/"] { return good; }};
    });
    const CancelToken cancel;
    HttpClient client(trusting(server), cancel);
    if (known) CHECK(client.send(get(server.url("/"))).body == "/");
    std::atomic<int> cancelled = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 10; ++i) {
        threads.emplace_back([&] {
            const auto error = error_of([&] { (void)client.send(get(server.url("/never"))); });
            if (error && error->kind() == ErrorKind::Cancelled) ++cancelled;
        });
    }
    while (server.requests().size() < (known ? 11U : 1U)) std::this_thread::sleep_for(1ms);
    cancel.cancel();
    for (auto& thread : threads) thread.join();
    CHECK(cancelled == 10);
    CHECK(server.connections() == 1);
}

TEST_CASE("An answer past its limit, and a long error, leave the shared connection as it was") {
    const std::string large(4 << 20, 'x');
    TlsServer server(Speaks::Http2, [&](const TlsRequest& request) {
        if (request.path == "/error") return TlsReply{.status = 404, .body = large};
        return TlsReply{.body = request.path == "/large" ? large : request.path};
    });
    HttpClient client(trusting(server), {});
    for (int i = 0; i < 3; ++i) {
        auto request = get(server.url("/large"));
        request.body_limit = 1000;
        const auto error = error_of([&] { (void)client.send(request); });
        REQUIRE(error);
        CHECK(error->kind() == ErrorKind::Corrupt);
        const auto response = client.send(get(server.url("/error")));
        CHECK(response.status == 404);
        CHECK(response.body.size() <= (256 << 10));
        CHECK(right_answers(client, server, 5, 1) == 5);
    }
    CHECK(server.connections() == 1);
}

TEST_CASE("Where a shared connection stalls, everybody has his own from there on") {
    std::atomic<int> stalls = 0;
    TlsServer server(Speaks::Http2, [&](const TlsRequest& request) {
        const bool stall = request.path == "/stall" && stalls++ == 0;
        return TlsReply{.body = request.path, .fault = stall ? Fault::Stall : Fault::None};
    });
    HttpClient client(trusting(server), {});
    CHECK(right_answers(client, server, 5) == 5);
    auto request = get(server.url("/stall"));
    request.stall_timeout = 300ms;
    CHECK(client.send(request).body == "/stall");
    CHECK(stalls == 2);
    CHECK(server.connections() == 2);
    CHECK(right_answers(client, server, 5) == 5);
}

TEST_CASE("A first request that hangs does not keep the others") {
    std::atomic<bool> others_done = false;
    TlsServer server(Speaks::Http2, [&](const TlsRequest& request) {
        return TlsReply{.body = request.path,
                        .ready = [&, slow = request.path == "/slow"] { return !slow || others_done; }};
    });
    HttpClient client(trusting(server), {});
    std::string body;
    std::thread slow([&] { body = client.send(get(server.url("/slow"))).body; });
    while (server.requests().empty()) std::this_thread::sleep_for(1ms);
    CHECK(right_answers(client, server, 3) == 3);
    others_done = true;
    slow.join();
    CHECK(body == "/slow");
}

TEST_CASE("A server over TLS that speaks HTTP/1.1 alone gets a connection for each request under way") {
    std::atomic<int> asked = 0;
    TlsServer server(Speaks::Http1, [&](const TlsRequest& request) {
        const int number = ++asked;
        return TlsReply{.body = request.path, .ready = [&, number] { return number == 1 || asked >= 9; }};
    });
    HttpClient client(trusting(server), {});
    SECTION("from the first request on") {
        CHECK(client.send(get(server.url("/"))).body == "/");
        CHECK(right_answers(client, server, 8) == 8);
    }
    SECTION("when all come at once") {
        CHECK(right_answers(client, server, 9) == 9);
    }
    CHECK(server.requests().size() == 9);
    CHECK(server.connections() >= 8);
    CHECK(server.connections() <= 9);
}

TEST_CASE("A certificate that nobody vouches for is refused for each of many requests") {
    TlsServer server(Speaks::Http2, path_as_body);
    auto settings = trusting(server);
    settings.ca_file.clear();
    HttpClient client(settings, {});
    std::atomic<int> refused = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 5; ++i) {
        threads.emplace_back([&] {
            const auto error = error_of([&] { (void)client.send(get(server.url("/"))); });
            if (error && error->message().find("certificate is not trusted") != std::string::npos) ++refused;
        });
    }
    for (auto& thread : threads) thread.join();
    CHECK(refused == 5);
    CHECK(server.requests().empty());
}

TEST_CASE("Where nobody listens, many requests over TLS fail as one does") {
    HttpSettings settings;
    settings.retry.base_delay = 1ms;
    settings.retry.max_delay = 5ms;
    HttpClient client(settings, {});
    const auto address = "https://127.0.0.1:" + std::to_string(fault::unused_port()) + "/";
    std::atomic<int> failed = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) {
        threads.emplace_back([&] {
            const auto error = error_of([&] { (void)client.send(get(address)); });
            if (error && error->message().find("tried 4 times") != std::string::npos) ++failed;
        });
    }
    for (auto& thread : threads) thread.join();
    CHECK(failed == 8);
}

TEST_CASE("All that can happen to requests on one connection may happen at once") {
    const std::string large(300 << 10, 'x');
    std::atomic<int> asked = 0;
    TlsServer server(Speaks::Http2, [&](const TlsRequest& request) {
        const int number = ++asked;
        if (number % 97 == 0) return TlsReply{.fault = Fault::GoAway};
        if (number % 89 == 0) return TlsReply{.fault = Fault::Close};
        if (request.path.ends_with("/reset") && number % 2 == 0) return TlsReply{.fault = Fault::Reset};
        if (request.path.ends_with("/late")) return TlsReply{.ready = [] { return false; }};
        return TlsReply{.body = request.path + (request.path.ends_with("/large") ? large : "")};
    });
    auto settings = trusting(server);
    HttpClient client(settings, {});
    std::atomic<int> right = 0;
    std::vector<std::thread> threads;
    for (int t = 0; t < 12; ++t) {
        threads.emplace_back([&, t] {
            for (int i = 0; i < 20; ++i) {
                const std::vector<std::string> kinds = {"/plain", "/reset", "/large", "/late", "/sink"};
                const auto& kind = kinds[static_cast<std::size_t>(t + i) % kinds.size()];
                const auto path = "/" + std::to_string(t) + "/" + std::to_string(i) + kind;
                auto request = get(server.url(path));
                request.max_attempts = 20;
                if (kind == "/late") request.timeout = std::chrono::milliseconds(i);
                std::string got;
                if (kind == "/sink") {
                    request.sink = [&](std::string_view bytes) { got += bytes; };
                    request.restart = [&] { got.clear(); };
                }
                const auto error = error_of([&] {
                    const auto response = client.send(request);
                    if (kind != "/sink") got = response.body;
                });
                right += kind == "/late" ? error && error->kind() == ErrorKind::Transient
                                         : got == path + (kind == "/large" ? large : "");
            }
        });
    }
    for (auto& thread : threads) thread.join();
    CHECK(right == 240);
}
