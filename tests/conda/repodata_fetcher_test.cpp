#include "conda/repodata_fetcher.hpp"

#include <atomic>
#include <catch2/catch.hpp>
#include <functional>
#include <map>
#include <mutex>
#include <thread>

#include "base/fs.hpp"
#include "conda/shard_support.hpp"
#include "support/fault_server.hpp"
#include "support/tar_writer.hpp"

using namespace envbuild;
using namespace envbuild::conda;

namespace {

using testing::FaultConnection;
using testing::FaultRequest;
namespace fault = testing::fault;
using testing::zstd;

// A channel's server: what it answers is a function of the path; what it was asked is kept.
class ChannelServer {
  public:
    using Handler = testing::FaultHandler;

    void on(const std::string& path, Handler handler) {
        const std::lock_guard lock(mutex_);
        handlers_[path] = std::move(handler);
    }
    void serve(const std::string& path, const std::string& body, const std::string& etag = "") {
        on(path, [=](const FaultRequest& request, FaultConnection& connection) {
            const std::string header = etag.empty() ? "" : "ETag: " + etag + "\r\n";
            const bool same = !etag.empty() && request.header("if-none-match") == etag;
            same ? fault::respond(304, "", header)(request, connection)
                 : fault::respond(200, body, header)(request, connection);
        });
    }
    void status(const std::string& path, int status) { on(path, fault::respond(status)); }
    std::vector<std::string> asked() {
        const std::lock_guard lock(mutex_);
        return std::exchange(asked_, {});
    }
    [[nodiscard]] std::string url() const { return server_.url(""); }

  private:
    void answer(const FaultRequest& request, FaultConnection& connection) {
        Handler handler = fault::respond(404, "no such file");
        {
            const std::lock_guard lock(mutex_);
            asked_.push_back(request.target);
            if (const auto found = handlers_.find(request.target); found != handlers_.end()) handler = found->second;
        }
        handler(request, connection);
    }

    std::mutex mutex_;
    std::map<std::string, Handler> handlers_;
    std::vector<std::string> asked_;
    testing::FaultServer server_{
        [this](const FaultRequest& request, FaultConnection& connection) { answer(request, connection); }};
};

class RecordingReporter : public Reporter {
  public:
    void warn(std::string_view message) override {
        const std::lock_guard lock(mutex_);
        warnings.emplace_back(message);
    }
    void note(std::string_view) override {}
    void debug(std::string_view) override {}
    void log(std::string_view) override {}
    std::unique_ptr<Progress> start(std::string_view title, Unit unit, std::uint64_t total) override {
        return silent_reporter().start(title, unit, total);
    }
    std::vector<std::string> warnings;

  private:
    std::mutex mutex_;
};

std::string repodata(const std::string& name) {
    return R"({"packages":{},"packages.conda":{")" + name + R"(-1.0-0.conda":{"name":")" + name +
           R"(","version":"1.0","build":"0"}}})";
}

struct Fixture {
    ChannelServer server;
    TempDir folder{"repodata-cache"};
    RecordingReporter reporter;
    RepoDataFetchSettings settings{folder.path() / "cache"};
    ChannelSettings channels;
    HttpSettings http_settings = [] {
        HttpSettings quick;
        quick.retry.base_delay = quick.retry.max_delay = std::chrono::milliseconds(1);
        return quick;
    }();
    HttpClient http{http_settings, CancelToken()};

    Channel channel(const std::string& path = "/ch") {
        return Channel("ch", value_or_throw(Url::parse(server.url() + path)));
    }
    std::vector<FetchedChannel> fetch(const std::vector<Channel>& wanted, const std::vector<std::string>& roots = {}) {
        return RepoDataFetcher(http, channels, settings, reporter).fetch(wanted, Platform(), roots);
    }
    void serve_shards(const std::string& folder_path, const testing::ServedShards& shards,
                      const std::string& headers = "") {
        server.on(folder_path + "/repodata_shards.msgpack.zst", fault::respond(200, shards.index, headers));
        for (const auto& [file, bytes] : shards.shards) server.serve(folder_path + "/shards/" + file, bytes);
    }
    Error failure(const std::vector<Channel>& wanted) {
        try {
            (void)fetch(wanted);
        } catch (const Error& error) {
            return error;
        }
        FAIL("it was fetched");
        throw std::logic_error("unreachable");
    }
    Error error_of_fetch(const std::vector<std::string>& roots) {
        try {
            (void)fetch({channel()}, roots);
        } catch (const Error& error) {
            return error;
        }
        FAIL("it was fetched");
        throw std::logic_error("unreachable");
    }
    std::size_t cached_files(const std::string& ending) const {
        std::size_t count = 0;
        if (!std::filesystem::exists(settings.cache_directory)) return 0;
        for (const auto& entry : std::filesystem::directory_iterator(settings.cache_directory)) {
            if (entry.path().filename().string().ends_with(ending)) ++count;
        }
        return count;
    }
};

using Strings = std::vector<std::string>;

}  // namespace

TEST_CASE_METHOD(Fixture, "the zst is asked first, then the json") {
    server.serve("/ch/linux-64/repodata.json.zst", zstd(repodata("native")));
    server.serve("/ch/noarch/repodata.json", repodata("pure"));
    settings.threads = 1;
    const auto fetched = fetch({channel()});
    REQUIRE(fetched.size() == 1);
    REQUIRE(fetched.front().subdirs.size() == 2);
    CHECK(fetched.front().subdirs[0]->names() == Strings{"native"});
    CHECK(fetched.front().subdirs[1]->names() == Strings{"pure"});
    const auto record = fetched.front().subdirs[1]->records("pure").front();
    CHECK(record.url.to_string() == server.url() + "/ch/noarch/pure-1.0-0.conda");
    CHECK(record.subdir == "noarch");
    CHECK(server.asked() == Strings{"/ch/linux-64/repodata_shards.msgpack.zst", "/ch/linux-64/repodata.json.zst",
                                    "/ch/noarch/repodata_shards.msgpack.zst", "/ch/noarch/repodata.json.zst",
                                    "/ch/noarch/repodata.json"});
}

TEST_CASE_METHOD(Fixture, "a channel that has the bz2 alone, on a server and in a folder") {
    server.serve("/ch/linux-64/repodata.json.bz2", testing::bzip2(repodata("old")), "\"1\"");
    CHECK(fetch({channel()}).front().subdirs[0]->names() == Strings{"old"});
    (void)server.asked();
    CHECK(fetch({channel()}).front().subdirs[0]->names() == Strings{"old"});
    CHECK(std::ranges::count(server.asked(), "/ch/linux-64/repodata.json.bz2") == 1);
    const auto root = folder.path() / "local";
    write_file_atomic(root / "linux-64" / "repodata.json.bz2", testing::bzip2(repodata("older")));
    CHECK(fetch({Channel("local", Url::from_path(root.string()))}).front().subdirs[0]->names() == Strings{"older"});
}

TEST_CASE_METHOD(Fixture, "what was not modified is taken from the cache") {
    server.serve("/ch/linux-64/repodata.json.zst", zstd(repodata("one")), "\"1\"");
    server.serve("/ch/noarch/repodata.json", repodata("pure"), "\"n\"");
    (void)fetch({channel()});
    (void)server.asked();
    CHECK(fetch({channel()}).front().subdirs[0]->names() == Strings{"one"});
    CHECK(server.asked().size() == 2);  // both answered 304: asked for is the form that is in the cache
    CHECK(cached_files(".state.json") == 2);

    server.serve("/ch/linux-64/repodata.json.zst", zstd(repodata("two")), "\"2\"");
    CHECK(fetch({channel()}).front().subdirs[0]->names() == Strings{"two"});
    CHECK(cached_files(".json") == 4);  // two states and two files: the old one is gone
}

TEST_CASE_METHOD(Fixture, "Cache-Control says how long nothing is asked") {
    std::atomic<int> asked = 0;
    const auto handler = [&](const FaultRequest& request, FaultConnection& connection) {
        ++asked;
        fault::respond(200, repodata("a"), "Cache-Control: public, max-age=1200\r\n")(request, connection);
    };
    server.on("/ch/linux-64/repodata.json", handler);
    server.on("/ch/noarch/repodata.json", handler);
    (void)fetch({channel()});
    (void)fetch({channel()});
    CHECK(asked == 2);
    settings.refresh = true;
    (void)fetch({channel()});
    CHECK(asked == 4);
}

TEST_CASE_METHOD(Fixture, "a channel without one of its subdirs is fine, without both it is not there") {
    server.serve("/ch/linux-64/repodata.json", repodata("a"));
    server.serve("/pure/noarch/repodata.json", repodata("b"));
    const auto fetched = fetch({channel(), channel("/pure")});
    CHECK(fetched[0].subdirs[1]->names().empty());
    CHECK(fetched[1].subdirs[0]->names().empty());
    CHECK(fetched[1].subdirs[1]->names() == Strings{"b"});

    const Error error = failure({channel(), channel("/absent")});
    CHECK(error.kind() == ErrorKind::NotFound);
    CHECK_THAT(error.message(), Catch::Contains("not there") && Catch::Contains("/absent/linux-64/repodata.json") &&
                                    Catch::Contains("404"));
    CHECK_FALSE(error.hint().empty());
}

TEST_CASE_METHOD(Fixture, "an HTML page is no repodata") {
    for (const auto* path : {"/ch/linux-64/repodata.json.zst", "/ch/linux-64/repodata.json"})
        server.serve(path, "\n <html>login</html>");
    const Error error = failure({channel()});
    CHECK(error.kind() == ErrorKind::Corrupt);
    CHECK_THAT(error.message(), Catch::Contains("HTML") && Catch::Contains("/ch/linux-64/repodata.json"));
    // A server that answers HTML for what it does not know, and has the json.
    server.serve("/ch/linux-64/repodata.json", repodata("a"));
    CHECK(fetch({channel()}).front().subdirs[0]->names() == Strings{"a"});
}

TEST_CASE_METHOD(Fixture, "refusals are told apart") {
    server.status("/ch/linux-64/repodata.json.zst", 401);
    CHECK(failure({channel()}).kind() == ErrorKind::Unauthorized);
    server.status("/ch/linux-64/repodata.json.zst", 403);
    server.status("/ch/linux-64/repodata.json", 403);
    const Error forbidden = failure({channel()});
    CHECK(forbidden.kind() == ErrorKind::Unauthorized);
    CHECK_THAT(forbidden.message(), Catch::Contains("403"));
    CHECK(reporter.warnings.empty());
    // Object stores say 403 for what is not there: the other subdir shows that the channel may be read.
    server.serve("/ch/noarch/repodata.json", repodata("a"));
    CHECK(fetch({channel()}).front().subdirs[1]->names() == Strings{"a"});
    CHECK(reporter.warnings.size() == 1);

    server.status("/ch/linux-64/repodata.json.zst", 500);
    CHECK(failure({channel()}).kind() == ErrorKind::Transient);
}

TEST_CASE_METHOD(Fixture, "broken answers are refused and never cached") {
    const std::string whole = zstd(repodata("a"));
    server.serve("/ch/linux-64/repodata.json.zst", whole.substr(0, whole.size() - 5));
    CHECK(failure({channel()}).kind() == ErrorKind::Corrupt);
    server.serve("/ch/linux-64/repodata.json.zst", whole.substr(0, 20) + std::string(40, 'x'));
    CHECK(failure({channel()}).kind() == ErrorKind::Corrupt);
    server.serve("/ch/linux-64/repodata.json.zst", repodata("a").substr(0, 60));
    CHECK_THAT(failure({channel()}).message(), Catch::Contains("repodata.json.zst"));
    server.serve("/ch/linux-64/repodata.json.zst", "");
    CHECK(failure({channel()}).kind() == ErrorKind::Corrupt);
    CHECK(cached_files(".tmp") == 0);
    std::size_t data = 0;
    for (const auto& entry : std::filesystem::directory_iterator(settings.cache_directory)) {
        if (entry.path().extension() == ".json" && !entry.path().filename().string().ends_with(".state.json")) ++data;
    }
    CHECK(data == 0);
    server.serve("/ch/linux-64/repodata.json.zst", whole);
    CHECK(fetch({channel()}).front().subdirs[0]->names() == Strings{"a"});
}

TEST_CASE_METHOD(Fixture, "a repodata that never ends is cut off at the limit") {
    server.serve("/ch/linux-64/repodata.json.zst", zstd(R"({"packages":{)" + std::string(1 << 20, ' ') + "}}"));
    settings.size_limit = 1 << 18;
    const Error error = failure({channel()});
    CHECK(error.kind() == ErrorKind::Corrupt);
    CHECK_THAT(error.message(), Catch::Contains("larger"));
}

TEST_CASE_METHOD(Fixture, "mirrors are asked in turn, records keep the canonical URL") {
    const Channel canonical("ch", value_or_throw(Url::parse("https://conda.example.org/ch")));
    channels.mirrors["https://conda.example.org"] = {server.url() + "/broken", server.url() + "/good"};
    server.status("/broken/ch/linux-64/repodata.json.zst", 503);
    server.serve("/good/ch/linux-64/repodata.json", repodata("a"));
    const auto fetched = fetch({canonical});
    const auto records = fetched.front().subdirs[0]->records("a");
    REQUIRE(records.size() == 1);
    CHECK(records.front().url.to_string() == "https://conda.example.org/ch/linux-64/a-1.0-0.conda");
    CHECK(records.front().channel == "https://conda.example.org/ch");
}

TEST_CASE_METHOD(Fixture, "a folder is a channel") {
    const auto root = folder.path() / "my channel";
    write_file_atomic(root / "linux-64" / "repodata.json", repodata("a"));
    write_file_atomic(root / "noarch" / "repodata.json.zst", zstd(repodata("b")));
    const Channel local("local", Url::from_path(root.string()));
    const auto fetched = fetch({local});
    CHECK(fetched.front().subdirs[0]->names() == Strings{"a"});
    CHECK(fetched.front().subdirs[1]->names() == Strings{"b"});
    CHECK(fetched.front().subdirs[0]->records("a").front().url.file_path() ==
          (root / "linux-64/a-1.0-0.conda").string());
    const Error error = failure({Channel("none", Url::from_path("/nowhere/at/all"))});
    CHECK(error.kind() == ErrorKind::NotFound);
    CHECK_THAT(error.message(), Catch::Contains("file:///nowhere/at/all/linux-64/repodata.json"));
}

TEST_CASE_METHOD(Fixture, "tokens and passwords go on the wire and nowhere else") {
    std::mutex mutex;
    std::string authorization;
    server.on("/t/tk-123/ch/linux-64/repodata.json", [&](const FaultRequest& request, FaultConnection& connection) {
        const std::lock_guard lock(mutex);
        authorization = request.header("authorization");
        fault::respond(200, repodata("a"))(request, connection);
    });
    std::vector<Url> credentials;
    std::string written = server.url() + "/t/tk-123/ch";
    written.insert(7, "me:s3cret@");
    const auto wanted = value_or_throw(resolve_channel(written, channels, "/", &credentials));
    REQUIRE(credentials.size() == 1);
    remember_credentials(credentials.front(), http.credentials());
    const auto fetched = fetch(wanted);
    const auto sent = [&] {
        const std::lock_guard lock(mutex);
        return authorization;
    };
    CHECK(sent() == "Basic bWU6czNjcmV0");
    CHECK(fetched.front().subdirs[0]->records("a").front().url.to_string() ==
          server.url() + "/ch/linux-64/a-1.0-0.conda");
    for (const auto& entry : std::filesystem::directory_iterator(settings.cache_directory)) {
        const std::string content = entry.path().filename().string() + read_file(entry.path());
        CHECK(content.find("tk-123") == std::string::npos);
        CHECK(content.find("s3cret") == std::string::npos);
    }
    server.status("/t/tk-123/ch/linux-64/repodata.json", 401);
    settings.refresh = true;
    const Error error = failure(wanted);
    CHECK(error.kind() == ErrorKind::Unauthorized);
    CHECK(error.to_string().find("tk-123") == std::string::npos);
    CHECK(error.to_string().find("s3cret") == std::string::npos);
}

TEST_CASE_METHOD(Fixture, "a damaged cache is noticed and fetched anew") {
    server.serve("/ch/linux-64/repodata.json.zst", zstd(repodata("a")), "\"1\"");
    (void)fetch({channel()});
    for (const auto& entry : std::filesystem::directory_iterator(settings.cache_directory)) {
        const std::string name = entry.path().filename();
        if (name.ends_with(".json") && !name.ends_with(".state.json")) {
            write_file_atomic(entry.path(), std::string(std::filesystem::file_size(entry.path()), 'x'));
        }
    }
    CHECK(fetch({channel()}).front().subdirs[0]->names() == Strings{"a"});
    for (const auto& entry : std::filesystem::directory_iterator(settings.cache_directory)) {
        if (entry.path().filename().string().ends_with(".state.json")) write_file_atomic(entry.path(), "{}");
    }
    CHECK(fetch({channel()}).front().subdirs[0]->names() == Strings{"a"});
}

TEST_CASE_METHOD(Fixture, "many at once ask the server once") {
    std::atomic<int> asked = 0, begun = 0;
    const auto body = zstd(repodata("a"));
    server.on("/ch/linux-64/repodata.json.zst", [&](const FaultRequest& request, FaultConnection& connection) {
        ++asked;
        while (begun < 6) std::this_thread::yield();
        std::this_thread::sleep_for(std::chrono::milliseconds(200));
        fault::respond(200, body)(request, connection);
    });
    std::atomic<int> good = 0;
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < 6; ++i) {
            threads.emplace_back([&] {
                // Each with a client and a fetcher of its own, as processes have.
                HttpClient own(http_settings, CancelToken());
                ++begun;
                const auto data =
                    RepoDataFetcher(own, channels, settings, silent_reporter()).fetch_subdir(channel(), "linux-64");
                if (data && data->names() == Strings{"a"}) ++good;
            });
        }
    }
    CHECK(good == 6);
    // Those that wait take what the first was told. One that begins only after that asks again, so a slow machine may
    // need more than one answer, but not one for each.
    CHECK(asked < 6);
}

namespace {

std::string shard(const std::string& name, const std::string& depends = "") {
    return R"({"packages":{},"packages.conda":{")" + name + R"(-1.0-0.conda":{"name":")" + name +
           R"(","version":"1.0","build":"0","depends":[)" + depends + "]}}}";
}

// a -> b, c -> d (noarch); e stands alone.
const std::map<std::string, std::string> kNative = {{"a", shard("a", R"("b >=1","__glibc >=2.17","nowhere")")},
                                                    {"b", shard("b", R"("c")")},
                                                    {"c", shard("c", R"("a","d")")},
                                                    {"e", shard("e")}};

}  // namespace

TEST_CASE_METHOD(Fixture, "shards: only those that can be reached are fetched, and once") {
    serve_shards("/ch/linux-64", testing::served_shards(kNative), "Cache-Control: max-age=600\r\n");
    serve_shards("/ch/noarch", testing::served_shards({{"d", shard("d")}, {"f", shard("f")}}),
                 "Cache-Control: max-age=600\r\n");
    const auto fetched = fetch({channel()}, {"a", "absent"});
    CHECK(server.asked().size() == 2 + 3 + 1);  // two indexes; a, b, c; d
    const auto& native = *fetched.front().subdirs[0];
    CHECK(native.is_sharded());
    CHECK(native.names() == Strings{"a", "b", "c", "e"});
    CHECK(native.records("a").front().url.to_string() == server.url() + "/ch/linux-64/a-1.0-0.conda");
    CHECK(native.records("absent").empty());
    CHECK(fetched.front().subdirs[1]->records("d").front().subdir == "noarch");
    CHECK(server.asked().empty());
    CHECK(native.records("e").size() == 1);  // one that nobody foresaw
    CHECK(server.asked().size() == 1);

    // Another run asks for nothing at all: the index is fresh, and shards never change.
    CHECK(fetch({channel()}, {"a", "e"}).front().subdirs[0]->records("b").size() == 1);
    CHECK(server.asked().empty());
}

TEST_CASE_METHOD(Fixture, "shards: after a change only what changed is fetched") {
    serve_shards("/ch/linux-64", testing::served_shards(kNative));
    (void)fetch({channel()}, {"a"});
    auto changed = kNative;
    changed["b"] = shard("b", R"("c","e")");
    serve_shards("/ch/linux-64", testing::served_shards(changed));
    (void)server.asked();
    CHECK(fetch({channel()}, {"a"}).front().subdirs[0]->needs("b") == Strings{"c", "e"});
    const auto asked = server.asked();
    CHECK(std::ranges::count_if(asked, [](const auto& path) { return path.find("/shards/") != std::string::npos; }) ==
          2);
}

TEST_CASE_METHOD(Fixture, "shards: beside channels of other forms, of which names lead into them") {
    server.serve("/whole/linux-64/repodata.json", shard("x", R"("a")"));
    serve_shards("/ch/linux-64", testing::served_shards(kNative));
    const auto fetched = fetch({channel("/whole"), channel()}, {"x"});
    (void)server.asked();
    CHECK(fetched[1].subdirs[0]->records("c").size() == 1);
    CHECK(server.asked().empty());
}

TEST_CASE_METHOD(Fixture, "shards: a place of their own, and archives elsewhere") {
    const auto shards = testing::served_shards({{"a", shard("a")}}, "../../archives", server.url() + "/cdn/s");
    server.serve("/ch/linux-64/repodata_shards.msgpack.zst", shards.index);
    server.serve("/cdn/s/" + shards.shards.begin()->first, shards.shards.begin()->second);
    CHECK(fetch({channel()}, {"a"}).front().subdirs[0]->records("a").front().url.to_string() ==
          server.url() + "/archives/a-1.0-0.conda");
}

TEST_CASE_METHOD(Fixture, "shards: damaged ones are refused, and never kept") {
    const auto shards = testing::served_shards({{"a", shard("a")}});
    serve_shards("/ch/linux-64", shards);
    const auto path = "/ch/linux-64/shards/" + shards.shards.begin()->first;
    server.serve(path, shards.shards.begin()->second + "x");
    const auto error = error_of_fetch({"a"});
    CHECK(error.kind() == ErrorKind::Corrupt);
    CHECK_THAT(error.message(), Catch::Contains("shard a") && Catch::Contains("sha256"));
    server.status(path, 404);
    CHECK(error_of_fetch({"a"}).kind() == ErrorKind::Transient);
    CHECK_THAT(error_of_fetch({"a"}).hint(), Catch::Contains("--refresh"));
    server.status(path, 403);
    CHECK(error_of_fetch({"a"}).kind() == ErrorKind::Unauthorized);
    serve_shards("/ch/linux-64", shards);
    CHECK(fetch({channel()}, {"a"}).front().subdirs[0]->records("a").size() == 1);
    // One that was damaged in the cache is fetched again.
    for (const auto& entry : std::filesystem::recursive_directory_iterator(settings.cache_directory / "shards")) {
        if (entry.is_regular_file()) write_file_atomic(entry.path(), "damaged");
    }
    CHECK(fetch({channel()}, {"a"}).front().subdirs[0]->records("a").size() == 1);
}

TEST_CASE_METHOD(Fixture, "shards: an index that cannot be read gives way to the whole repodata, and is told") {
    server.serve("/ch/linux-64/repodata_shards.msgpack.zst", zstd("no index"));
    server.serve("/ch/linux-64/repodata.json", repodata("a"));
    const auto fetched = fetch({channel()}, {"a"});
    CHECK_FALSE(fetched.front().subdirs[0]->is_sharded());
    CHECK(fetched.front().subdirs[0]->names() == Strings{"a"});
    REQUIRE(reporter.warnings.size() == 1);
    CHECK_THAT(reporter.warnings.front(), Catch::Contains("repodata_shards"));
}
