#include "net/document_cache.hpp"

#include <catch2/catch.hpp>
#include <mutex>

#include "base/fs.hpp"
#include "net/freshness.hpp"
#include "support/fault_server.hpp"

using namespace envbuild;
using testing::FaultConnection;
using testing::FaultRequest;
namespace fault = testing::fault;

namespace {

// What the server answers from now on; its threads may still be at the last answer.
class Handler {
  public:
    Handler& operator=(testing::FaultHandler next) {
        const std::lock_guard lock(mutex_);
        current_ = std::move(next);
        return *this;
    }
    void operator()(const FaultRequest& request, FaultConnection& connection) const {
        const std::lock_guard lock(mutex_);
        current_(request, connection);
    }

  private:
    mutable std::mutex mutex_;
    testing::FaultHandler current_ = fault::respond(404);
};

struct Fixture {
    Handler handler;
    testing::FaultServer server{
        [this](const FaultRequest& request, FaultConnection& connection) { handler(request, connection); }};
    TempDir folder{"documents"};
    HttpSettings settings = [] {
        HttpSettings quick;
        quick.retry.base_delay = quick.retry.max_delay = std::chrono::milliseconds(1);
        return quick;
    }();
    HttpClient client{settings, CancelToken()};
    DocumentCache cache{folder.path()};

    Document get(bool refresh = false, const std::string& accept = "text/html") {
        return cache.get(client, *Url::parse(server.url("/simple/foo/")), {accept, refresh, 1000});
    }
    std::vector<fs::path> kept() const {
        std::vector<fs::path> files;
        for (const auto& entry : fs::recursive_directory_iterator(folder.path())) {
            if (entry.is_regular_file()) files.push_back(entry.path());
        }
        return files;
    }
};

}  // namespace

TEST_CASE_METHOD(Fixture, "a document is used for as long as its server said") {
    handler =
        fault::respond(200, "page", "Cache-Control: public, max-age=600\r\nContent-Type: text/html\r\nETag: \"1\"\r\n");
    CHECK(get().body == "page");
    const auto again = get();
    CHECK(again.body == "page");
    CHECK(again.content_type == "text/html");
    CHECK(again.fresh_from_cache);
    CHECK(again.final_url.to_string() == server.url("/simple/foo/"));
    CHECK(server.requests().size() == 1);
    // Another form of the document is another one.
    (void)get(false, "application/json");
    CHECK(server.requests().size() == 2);
    CHECK_FALSE(get(true).fresh_from_cache);
    CHECK(server.requests().size() == 3);
}

TEST_CASE_METHOD(Fixture, "an old document is asked for by its tag") {
    std::string body = "one", tag = "\"1\"";
    handler = [&](const FaultRequest& request, FaultConnection& connection) {
        const bool same = request.header("if-none-match") == tag;
        fault::respond(same ? 304 : 200, same ? "" : body, "ETag: " + tag + "\r\n")(request, connection);
    };
    CHECK(get().body == "one");
    CHECK(get().body == "one");
    CHECK(server.requests().back().header("if-none-match") == "\"1\"");
    body = "two", tag = "\"2\"";
    CHECK(get().body == "two");
    CHECK(get().body == "two");
    CHECK(server.requests().back().header("if-none-match") == "\"2\"");
}

TEST_CASE_METHOD(Fixture, "without a tag the date is used") {
    handler = [](const FaultRequest& request, FaultConnection& connection) {
        const bool same = !request.header("if-modified-since").empty();
        fault::respond(same ? 304 : 200, same ? "" : "page", "Last-Modified: Mon, 01 Jan 2024 00:00:00 GMT\r\n")(
            request, connection);
    };
    CHECK(get().body == "page");
    CHECK(get().body == "page");
    CHECK(server.requests().back().header("if-modified-since") == "Mon, 01 Jan 2024 00:00:00 GMT");
}

TEST_CASE_METHOD(Fixture, "a damaged copy counts as absent") {
    handler = fault::respond(200, "page", "Cache-Control: max-age=600\r\nETag: \"1\"\r\n");
    (void)get();
    REQUIRE(kept().size() == 2);
    for (const auto& file : kept()) {
        const std::string whole = read_file(file);
        write_file_atomic(file, whole.substr(0, whole.size() - 3));
        const auto document = get();
        CHECK(document.body == "page");
        CHECK_FALSE(document.fresh_from_cache);
        CHECK(server.requests().back().header("if-none-match").empty());
    }
}

TEST_CASE_METHOD(Fixture, "what the server wants no copy of is not kept") {
    handler = fault::respond(200, "page", "Cache-Control: no-store\r\n");
    CHECK(get().body == "page");
    CHECK(kept().empty());
}

TEST_CASE_METHOD(Fixture, "a copy can be dropped") {
    handler = fault::respond(200, "page", "Cache-Control: max-age=600\r\n");
    (void)get();
    cache.forget(*Url::parse(server.url("/simple/foo/")), {"text/html", false, 1000});
    CHECK(kept().empty());
    CHECK_FALSE(get().fresh_from_cache);
}

TEST_CASE_METHOD(Fixture, "an absent document is an answer, a server that fails is an error") {
    CHECK(get().status == 404);
    handler = fault::respond(403);
    CHECK(get().status == 403);
    handler = fault::respond(200, "page", "Cache-Control: max-age=0\r\n");
    CHECK(get().status == 200);
    // The copy is not used in place of an answer: what is chosen from it would be another thing each time.
    handler = fault::respond(503);
    try {
        (void)get();
        FAIL("it was got");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::Transient);
    }
    handler = fault::respond(200, std::string(1001, 'x'));
    try {
        (void)get();
        FAIL("it was got");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::Corrupt);
    }
}

TEST_CASE_METHOD(Fixture, "no credential is kept") {
    handler = fault::respond(200, "page", "Cache-Control: max-age=600\r\n");
    const Url url = *Url::parse("http://user:hunter2@127.0.0.1:" + std::to_string(server.port()) + "/simple/foo/");
    client.credentials().add_from_url(url);
    CHECK(cache.get(client, url.without_user_info(), {}).body == "page");
    CHECK(server.requests().back().header("authorization").starts_with("Basic "));
    for (const auto& file : kept()) CHECK(read_file(file).find("hunter2") == std::string::npos);
}

TEST_CASE_METHOD(Fixture, "a file is read, not kept") {
    const fs::path file = folder.path() / "page.html";
    write_file_atomic(file, "local");
    const DocumentCache other(folder.path() / "cache");
    CHECK(other.get(client, Url::from_path(file.string()), {}).body == "local");
    CHECK(other.get(client, Url::from_path((folder.path() / "absent").string()), {}).status == 404);
    CHECK_FALSE(fs::exists(folder.path() / "cache"));
}

TEST_CASE("how long an answer stays good") {
    const auto seconds = [](const std::string& control, const std::string& age = "") {
        HttpResponse response;
        response.headers["cache-control"] = control;
        if (!age.empty()) response.headers["age"] = age;
        return freshness_seconds(response);
    };
    CHECK(seconds("") == 0);
    CHECK(seconds("public, Max-Age=600") == 600);
    CHECK(seconds("max-age=600", "100") == 500);
    CHECK(seconds("max-age=600", "1000") == 0);
    CHECK(seconds("max-age=600, no-cache") == 0);
    CHECK(seconds("no-store") == 0);
    CHECK(seconds("max-age=99999999") == 86400);
    CHECK(seconds("max-age=x") == 0);
    // Numbers at and beyond the edges of what 64 bits hold.
    CHECK(seconds("max-age=9223372036854775807", "-1") == 86400);
    CHECK(seconds("max-age=99999999999999999999") == 86400);
    CHECK(seconds("max-age=-9223372036854775808", "9223372036854775807") == 0);
    CHECK(seconds("max-age=600", "-9223372036854775808") == 600);
    CHECK(seconds("max-age=600", "99999999999999999999") == 0);
}
