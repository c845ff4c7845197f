#include "net/downloader.hpp"

#include <catch2/catch.hpp>
#include <mutex>
#include <thread>

#include "support/fault_server.hpp"
#include "support/recording_reporter.hpp"

using namespace envbuild;
using namespace envbuild::testing;
using namespace std::chrono_literals;

namespace {

const std::string kBody = [] {
    std::string text;
    for (int i = 0; i < 50000; ++i) text += std::to_string(i) + "\n";
    return text;
}();

Url url(std::string_view text) {
    return value_or_throw(Url::parse(text));
}

// Counts what was reported.
class CountingReporter : public RecordingReporter {
  public:
    std::atomic<std::uint64_t> bytes = 0, total = 0;

    std::unique_ptr<Progress> start(std::string_view, Unit, std::uint64_t size) override {
        total = size;
        struct Counter : Progress {
            explicit Counter(CountingReporter& owner) : reporter(owner) {}
            void advance(std::uint64_t amount) override { reporter.bytes += amount; }
            void set_total(std::uint64_t) override {}
            void set_detail(std::string_view) override {}
            CountingReporter& reporter;
        };
        return std::make_unique<Counter>(*this);
    }
};

// Honours "Range: bytes=N-" as a good server does.
FaultHandler ranges(std::string body) {
    return [=](const FaultRequest& asked, FaultConnection& connection) {
        const auto range = asked.header("range");
        if (range.empty()) return fault::respond(200, body)(asked, connection);
        const auto start = std::stoul(range.substr(6));
        if (start >= body.size()) return fault::respond(416)(asked, connection);
        fault::respond(206, body.substr(start),
                       "Content-Range: bytes " + std::to_string(start) + "-" + std::to_string(body.size() - 1) + "/" +
                           std::to_string(body.size()) + "\r\n")(asked, connection);
    };
}

struct Site {
    TempDir folder{"envbuild-net"};
    CountingReporter reporter;
    CancelToken cancel;
    HttpClient client{[] {
                          HttpSettings settings;
                          settings.retry = {.base_delay = 1ms, .max_delay = 5ms};
                          return settings;
                      }(),
                      cancel};
    Downloader downloader{client, folder.path(), reporter, {.stall_timeout = 300ms}};

    Download want(const std::string& body, std::vector<std::string> urls) const {
        Download download{"thing.conda", {}, sha256(body), body.size()};
        for (const auto& one : urls) download.urls.push_back(url(one));
        return download;
    }
    Error error_of(const Download& download) const {
        try {
            (void)downloader.fetch_one(download);
        } catch (const Error& error) {
            return error;
        }
        throw std::runtime_error("no error came");
    }
    std::size_t files() const {
        std::size_t count = 0;
        for (const auto& entry : fs::recursive_directory_iterator(folder.path())) count += entry.is_regular_file();
        return count;
    }
};

}  // namespace

TEST_CASE("A file comes once and is then at hand") {
    Site site;
    FaultServer server(fault::respond(200, kBody));
    const auto want = site.want(kBody, {server.url("/thing.conda")});
    CHECK_FALSE(site.downloader.find(want.sha256));
    const auto path = site.downloader.fetch_one(want);
    CHECK(path == site.folder.path() / want.sha256.hex().substr(0, 2) / want.sha256.hex());
    CHECK(read_file(path) == kBody);
    CHECK(site.downloader.fetch_one(want) == path);
    CHECK(server.requests().size() == 1);
    CHECK(site.files() == 1);
    CHECK(site.reporter.bytes == kBody.size());
    CHECK(site.reporter.total == kBody.size());
}

TEST_CASE("A file of the wrong size under the right name is replaced") {
    Site site;
    FaultServer server(fault::respond(200, kBody));
    const auto want = site.want(kBody, {server.url()});
    write_file_atomic(site.downloader.path_of(want.sha256), "torn");
    CHECK(read_file(site.downloader.fetch_one(want)) == kBody);
}

TEST_CASE("A cached file with a flipped byte is fetched again, with or without a known size") {
    Site site;
    FaultServer server(fault::respond(200, kBody));
    auto want = site.want(kBody, {server.url("/thing.conda")});
    const auto path = site.downloader.fetch_one(want);
    for (const bool size_known : {true, false}) {
        if (!size_known) want.size.reset();
        std::string damaged = kBody;
        damaged[damaged.size() / 2] ^= 1;
        write_file_atomic(path, damaged);
        CHECK_FALSE(site.downloader.find(want.sha256, want.size));
        CHECK(site.downloader.fetch_one(want) == path);
        CHECK(read_file(path) == kBody);
        CHECK(site.downloader.find(want.sha256, want.size) == path);
        CHECK(site.reporter.warnings().back().find("is damaged in the cache") != std::string::npos);
    }
    CHECK(server.requests().size() == 3);
}

TEST_CASE("A file of unknown size has an end all the same") {
    Site site;
    FaultServer server(fault::respond(200, kBody));
    auto want = site.want(kBody, {server.url("/thing.conda")});
    want.size.reset();
    const Downloader small(site.client, site.folder.path(), site.reporter, {.largest_unknown = kBody.size() - 1});
    CHECK_THROWS_WITH(small.fetch_one(want), Catch::Contains("more than the " + std::to_string(kBody.size() - 1)));
    CHECK(site.files() == 0);
    const Downloader enough(site.client, site.folder.path(), site.reporter, {.largest_unknown = kBody.size()});
    CHECK(read_file(enough.fetch_one(want)) == kBody);
}

TEST_CASE("Wrong bytes are named, never kept, and asked for once more") {
    Site site;
    const auto wrong = fault::with_bit_flipped(kBody, 777);
    FaultServer server(fault::respond(200, wrong));
    const auto want = site.want(kBody, {server.url("/thing.conda")});
    const auto error = site.error_of(want);
    CHECK(error.kind() == ErrorKind::Corrupt);
    for (const auto& part :
         {std::string("thing.conda"), server.url("/thing.conda"), sha256(wrong).hex(), want.sha256.hex()})
        CHECK_THAT(error.message(), Catch::Contains(part));
    CHECK(site.files() == 0);
    CHECK(server.requests().size() == 2);
    CHECK(server.requests()[1].header("cache-control") == "no-cache");
}

TEST_CASE("A cache on the way that was wrong once does no harm") {
    Site site;
    FaultServer server(
        fault::in_turn({fault::respond(200, fault::with_bit_flipped(kBody, 0)), fault::respond(200, kBody)}));
    CHECK(read_file(site.downloader.fetch_one(site.want(kBody, {server.url()}))) == kBody);
}

TEST_CASE("A login page is told from a broken file") {
    Site site;
    FaultServer server(fault::html_page());
    const auto error = site.error_of(site.want(kBody, {server.url()}));
    CHECK(error.kind() == ErrorKind::Corrupt);
    CHECK_THAT(error.hint(), Catch::Contains("HTML"));
}

TEST_CASE("Too many bytes are cut off, too few are refused") {
    Site site;
    const auto handler = GENERATE_COPY(as<FaultHandler>{}, fault::respond(200, kBody + "more"),
                                       fault::cut_short_without_length(kBody, 1000));
    FaultServer server(handler);
    CHECK(site.error_of(site.want(kBody, {server.url()})).kind() == ErrorKind::Corrupt);
    CHECK(site.files() == 0);
}

TEST_CASE("A broken download goes on where it stopped, in the same run and in the next") {
    Site site;
    FaultServer server(fault::in_turn({fault::cut_short(kBody, 100000), ranges(kBody)}));
    const auto want = site.want(kBody, {server.url()});
    SECTION("in the same run") {
        CHECK(read_file(site.downloader.fetch_one(want)) == kBody);
    }
    SECTION("in the next") {
        const Downloader once(site.client, site.folder.path(), site.reporter, {.attempts_per_url = 1});
        CHECK_THROWS_AS(once.fetch_one(want), Error);
        CHECK(site.files() == 1);
        CHECK(read_file(once.fetch_one(want)) == kBody);
    }
    REQUIRE(server.requests().size() == 2);
    CHECK(server.requests()[1].header("range") == "bytes=100000-");
    CHECK(site.files() == 1);
}

TEST_CASE("A server that takes no ranges sends the whole again") {
    Site site;
    FaultServer server(fault::in_turn({fault::cut_short(kBody, 100000), fault::respond(200, kBody)}));
    CHECK(read_file(site.downloader.fetch_one(site.want(kBody, {server.url()}))) == kBody);
    CHECK(site.reporter.bytes == kBody.size());
}

TEST_CASE("A 206 of another range is not mixed in") {
    Site site;
    FaultServer server(
        fault::in_turn({fault::cut_short(kBody, 100000),
                        fault::respond(206, kBody.substr(5), "Content-Range: bytes 5-9/10\r\n"), ranges(kBody)}));
    CHECK(read_file(site.downloader.fetch_one(site.want(kBody, {server.url()}))) == kBody);
}

TEST_CASE("A partial file that is not the beginning of the right one is thrown away") {
    Site site;
    FaultServer server(ranges(kBody));
    const auto want = site.want(kBody, {server.url()});
    const auto size = GENERATE(as<std::size_t>{}, 10, 0, 1);
    const std::string old(size == 10 ? 10 : kBody.size() + size, 'z');
    write_file_atomic(site.downloader.path_of(want.sha256).string() + ".partial", old);
    CHECK(read_file(site.downloader.fetch_one(want)) == kBody);
    CHECK(site.files() == 1);
}

TEST_CASE("A partial file that is whole needs no server") {
    Site site;
    const auto want = site.want(kBody, {"http://127.0.0.1:" + std::to_string(fault::unused_port())});
    write_file_atomic(site.downloader.path_of(want.sha256).string() + ".partial", kBody);
    CHECK(read_file(site.downloader.fetch_one(want)) == kBody);
}

TEST_CASE("Transient faults are survived, others send to the next mirror") {
    Site site;
    FaultServer good(fault::respond(200, kBody));
    const auto handler = GENERATE_COPY(as<FaultHandler>{}, fault::respond(404), fault::respond(403),
                                       fault::respond(503), fault::html_page(), fault::close_at_once(),
                                       fault::stall_after(kBody, 10), fault::redirect(302, "/again"));
    FaultServer bad(handler);
    CHECK(read_file(site.downloader.fetch_one(site.want(kBody, {bad.url(), good.url()}))) == kBody);
    CHECK(site.reporter.warnings().size() == 1);
}

TEST_CASE("When all mirrors fail, wrong bytes are the gravest news, else the last answer counts") {
    Site site;
    FaultServer corrupt(fault::respond(200, fault::with_bit_flipped(kBody, 3)));
    FaultServer missing(fault::respond(404));
    FaultServer denied(fault::respond(401));
    CHECK(site.error_of(site.want(kBody, {corrupt.url(), missing.url()})).kind() == ErrorKind::Corrupt);
    const auto error = site.error_of(site.want(kBody, {missing.url(), denied.url()}));
    CHECK(error.kind() == ErrorKind::Unauthorized);
    CHECK_THAT(error.to_string(), Catch::Contains("from 2 mirrors"));
    CHECK_THAT(error.to_string(), Catch::Contains("thing.conda"));
}

TEST_CASE("Files of a folder work like those of a server") {
    Site site;
    const TempDir mirror("envbuild-net");
    write_file_atomic(mirror.path() / "thing.conda", kBody);
    const auto address = "file://" + (mirror.path() / "thing.conda").string();
    CHECK(read_file(site.downloader.fetch_one(site.want(kBody, {address}))) == kBody);
    CHECK(site.error_of(site.want("other", {address})).kind() == ErrorKind::Corrupt);
    CHECK(site.error_of(site.want("other", {address + ".absent"})).kind() == ErrorKind::NotFound);
}

TEST_CASE("What cannot be checked or has no source is refused") {
    Site site;
    Download unchecked{"x.conda", {url("http://127.0.0.1/x")}, {}, {}};
    CHECK(site.error_of(unchecked).kind() == ErrorKind::Corrupt);
    CHECK(site.error_of(site.want(kBody, {})).kind() == ErrorKind::InvalidInput);
}

TEST_CASE("Many files, some of them the same, come in the order asked") {
    Site site;
    FaultServer server([](const FaultRequest& asked, FaultConnection& connection) {
        fault::respond(200, "body of " + asked.target)(asked, connection);
    });
    std::vector<Download> wanted;
    for (int i = 0; i < 60; ++i) {
        const auto path = "/" + std::to_string(i % 40);
        wanted.push_back(site.want("body of " + path, {server.url(path)}));
    }
    const auto paths = site.downloader.fetch(wanted, "Downloading");
    REQUIRE(paths.size() == wanted.size());
    for (std::size_t i = 0; i < paths.size(); ++i) CHECK(sha256(read_file(paths[i])) == wanted[i].sha256);
    CHECK(server.requests().size() == 40);
    CHECK(site.files() == 40);
}

TEST_CASE("Several clients that want the same file ask for it once") {
    Site site;
    FaultServer server([](const FaultRequest& asked, FaultConnection& connection) {
        connection.send(fault::head(200, kBody.size()) + kBody.substr(0, 1000));
        std::this_thread::sleep_for(200ms);
        connection.send(kBody.substr(1000));
        (void)asked;
    });
    const auto want = site.want(kBody, {server.url()});
    // Another process is stood for by another client: the lock is the file's, not the process's.
    std::vector<std::thread> others;
    std::atomic<int> right = 0;
    for (int i = 0; i < 3; ++i) {
        others.emplace_back([&] {
            HttpClient client({}, {});
            const Downloader downloader(client, site.folder.path(), silent_reporter());
            if (read_file(downloader.fetch_one(want)) == kBody) ++right;
        });
    }
    for (auto& other : others) other.join();
    CHECK(right == 3);
    CHECK(server.requests().size() == 1);
    CHECK(site.files() == 1);
}

TEST_CASE("Cancelling keeps what came, under a name that nobody takes for the file") {
    Site site;
    FaultServer server(fault::stall_after(kBody, 1000));
    const auto want = site.want(kBody, {server.url()});
    std::thread later([&] {
        std::error_code error;
        while (fs::file_size(site.downloader.path_of(want.sha256).string() + ".partial", error) != 1000)
            std::this_thread::sleep_for(5ms);
        site.cancel.cancel();
    });
    CHECK(site.error_of(want).kind() == ErrorKind::Cancelled);
    later.join();
    CHECK_FALSE(site.downloader.find(want.sha256));
    CHECK(site.files() == 1);
}

TEST_CASE("A file of the right hash and another size than promised, larger or smaller, is refused") {
    for (const int difference : {-1, 1}) {
        Site site;
        FaultServer server(fault::respond(200, kBody));
        auto want = site.want(kBody, {server.url("/thing.conda")});
        *want.size += static_cast<std::uint64_t>(difference);
        try {
            (void)site.downloader.fetch_one(want);
            FAIL("was taken");
        } catch (const Error& error) {
            CHECK(error.kind() == ErrorKind::Corrupt);
        }
        CHECK_FALSE(site.downloader.find(want.sha256));
    }
}
