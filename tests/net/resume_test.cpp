#include <catch2/catch.hpp>

#include "net/http_client.hpp"
#include "support/fault_server.hpp"

using namespace envbuild;
using namespace envbuild::testing;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t kCut = 30000;

const std::string kBody = [] {
    std::string text;
    for (int i = 0; i < 20000; ++i) text += std::to_string(i) + "\n";
    return text;
}();

// What a client that is cut off once makes of a server.
struct Download {
    HttpResponse response;
    std::string got;
    int restarts = 0, answers = 0;

    explicit Download(FaultServer& server) {
        HttpSettings settings;
        settings.retry.base_delay = 1ms;
        settings.retry.max_delay = 5ms;
        HttpClient client(settings, {});
        HttpRequest request;
        request.url = value_or_throw(Url::parse(server.url("/repodata.json.zst")));
        request.headers["if-none-match"] = "\"old\"";
        request.decompress = true;
        request.sink = [&](std::string_view bytes) { got += bytes; };
        request.restart = [&] {
            got.clear();
            ++restarts;
        };
        request.on_response = [&](const HttpResponse&) { ++answers; };
        response = client.send(request);
    }
};

// The first answer, which breaks off.
FaultHandler cut(const std::string& headers) {
    return [headers](const FaultRequest&, FaultConnection& connection) {
        connection.send(fault::head(200, kBody.size(), headers) + kBody.substr(0, kCut));
        connection.close();
    };
}

FaultHandler piece(std::size_t from, const std::string& etag = "\"one\"") {
    const auto range = "Content-Range: bytes " + std::to_string(from) + "-" + std::to_string(kBody.size() - 1) + "/" +
                       std::to_string(kBody.size()) + "\r\n";
    return fault::respond(206, kBody.substr(from), "ETag: " + etag + "\r\n" + range);
}

}  // namespace

TEST_CASE("A download that broke off goes on behind its last byte") {
    FaultServer server(fault::in_turn({cut("ETag: \"one\"\r\nX-Kept: yes\r\n"), fault::respond(503), piece(kCut)}));
    const Download download(server);
    CHECK(download.got == kBody);
    CHECK(download.restarts == 0);
    CHECK(download.answers == 1);
    CHECK(download.response.status == 200);
    CHECK(download.response.header("x-kept") == "yes");
    const auto asked = server.requests();
    REQUIRE(asked.size() == 3);
    CHECK(asked[0].header("range").empty());
    for (const auto i : {1, 2}) {
        CHECK(asked[i].header("range") == "bytes=30000-");
        CHECK(asked[i].header("if-range") == "\"one\"");
        CHECK(asked[i].header("accept-encoding").empty());
    }
}

TEST_CASE("Where the file has changed meanwhile it is taken from its first byte") {
    FaultServer server(fault::in_turn({cut("ETag: \"one\"\r\n"), fault::respond(200, "another", "ETag: \"two\"\r\n")}));
    const Download download(server);
    CHECK(download.got == "another");
    CHECK(download.restarts == 1);
    CHECK(download.response.header("etag") == "\"two\"");
    CHECK(download.answers == 2);
}

TEST_CASE("Where it is not sure that the bytes are the same, all are asked for again") {
    const auto headers =
        GENERATE(as<std::string>{}, "", "ETag: W/\"weak\"\r\n", "Last-Modified: yesterday\r\n",
                 "ETag: \"one\"\r\nAccept-Ranges: none\r\n", "ETag: \"one\"\r\nContent-Encoding: identity\r\n");
    FaultServer server(fault::in_turn({cut(headers), fault::respond(200, kBody)}));
    const Download download(server);
    CHECK(download.got == kBody);
    CHECK(download.restarts == 1);
    CHECK(server.requests().at(1).header("range").empty());
    CHECK_FALSE(server.requests().at(1).header("accept-encoding").empty());
}

TEST_CASE("A server that has no such piece is asked for all of it") {
    FaultServer server(
        fault::in_turn({cut("ETag: \"one\"\r\n"), fault::respond(416), fault::respond(200, kBody, "X-Last: yes\r\n")}));
    const Download download(server);
    CHECK(download.got == kBody);
    CHECK(download.restarts == 1);
    CHECK(download.response.header("x-last") == "yes");
    CHECK(server.requests().at(2).header("range").empty());
}

TEST_CASE("A piece that was not asked for is not taken, and all is asked for again") {
    const auto wrong = GENERATE_COPY(as<FaultHandler>{}, piece(kCut - 1), piece(0), piece(kCut, "\"two\""));
    FaultServer server(fault::in_turn(
        {cut("ETag: \"one\"\r\n"), wrong, cut("ETag: \"one\"\r\n"), fault::respond(200, kBody, "ETag: \"one\"\r\n")}));
    const Download download(server);
    CHECK(download.got == kBody);
    CHECK(download.restarts == 2);
    CHECK(server.requests().size() == 4);
    CHECK(server.requests().back().header("range").empty());
}
