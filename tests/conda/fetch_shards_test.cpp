// What a fetcher makes of channels in shards (CEP 16).
#include "conda/fetch_support.hpp"
#include "support/tar_writer.hpp"

using namespace envbuild;
using namespace envbuild::conda;
using namespace envbuild::conda::test;
using testing::zstd;

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

TEST_CASE_METHOD(FetchFixture, "shards: only those that can be reached are fetched, and once") {
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

TEST_CASE_METHOD(FetchFixture, "shards: after a change only what changed is fetched") {
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

TEST_CASE_METHOD(FetchFixture, "shards: beside channels of other forms, of which names lead into them") {
    server.serve("/whole/linux-64/repodata.json", shard("x", R"("a")"));
    serve_shards("/ch/linux-64", testing::served_shards(kNative));
    const auto fetched = fetch({channel("/whole"), channel()}, {"x"});
    (void)server.asked();
    CHECK(fetched[1].subdirs[0]->records("c").size() == 1);
    CHECK(server.asked().empty());
}

TEST_CASE_METHOD(FetchFixture, "shards: a place of their own, and archives elsewhere") {
    const auto shards = testing::served_shards({{"a", shard("a")}}, "../../archives", server.url() + "/cdn/s");
    server.serve("/ch/linux-64/repodata_shards.msgpack.zst", shards.index);
    server.serve("/cdn/s/" + shards.shards.begin()->first, shards.shards.begin()->second);
    CHECK(fetch({channel()}, {"a"}).front().subdirs[0]->records("a").front().url.to_string() ==
          server.url() + "/archives/a-1.0-0.conda");
}

TEST_CASE_METHOD(FetchFixture, "shards: damaged ones are refused, and never kept") {
    const auto shards = testing::served_shards({{"a", shard("a")}});
    serve_shards("/ch/linux-64", shards);
    const auto path = "/ch/linux-64/shards/" + shards.shards.begin()->first;
    server.serve(path, shards.shards.begin()->second + "x");
    const auto error = failure({channel()}, {"a"});
    CHECK(error.kind() == ErrorKind::Corrupt);
    CHECK_THAT(error.message(), Catch::Contains("shard a") && Catch::Contains("sha256"));
    server.status(path, 404);
    CHECK(failure({channel()}, {"a"}).kind() == ErrorKind::Transient);
    CHECK_THAT(failure({channel()}, {"a"}).hint(), Catch::Contains("--refresh"));
    server.status(path, 403);
    CHECK(failure({channel()}, {"a"}).kind() == ErrorKind::Unauthorized);
    serve_shards("/ch/linux-64", shards);
    CHECK(fetch({channel()}, {"a"}).front().subdirs[0]->records("a").size() == 1);
    // One that was damaged in the cache is fetched again.
    for (const auto& entry : std::filesystem::recursive_directory_iterator(settings.cache_directory / "shards")) {
        if (entry.is_regular_file()) write_file_atomic(entry.path(), "damaged");
    }
    CHECK(fetch({channel()}, {"a"}).front().subdirs[0]->records("a").size() == 1);
}

TEST_CASE_METHOD(FetchFixture, "shards: an index that cannot be read gives way to the whole repodata, and is told") {
    server.serve("/ch/linux-64/repodata_shards.msgpack.zst", zstd("no index"));
    server.serve("/ch/linux-64/repodata.json", repodata("a"));
    const auto fetched = fetch({channel()}, {"a"});
    CHECK_FALSE(fetched.front().subdirs[0]->is_sharded());
    CHECK(fetched.front().subdirs[0]->names() == Strings{"a"});
    REQUIRE(reporter.warnings().size() == 1);
    CHECK_THAT(reporter.warnings().front(), Catch::Contains("repodata_shards"));
}

TEST_CASE_METHOD(FetchFixture, "shards: what one mirror has not, or has damaged, comes from the next") {
    const Channel canonical("ch", value_or_throw(Url::parse("https://conda.example.org/ch")));
    channels.mirrors["https://conda.example.org"] = {server.url() + "/one", server.url() + "/two"};
    const auto shards = testing::served_shards({{"a", shard("a")}, {"b", shard("b")}});
    serve_shards("/two/ch/linux-64", shards);
    server.serve("/one/ch/linux-64/repodata_shards.msgpack.zst", shards.index);
    for (const auto& refuse : {fault::respond(404), fault::respond(200, "damaged"), fault::respond(500)}) {
        for (const auto& [file, bytes] : shards.shards) server.on("/one/ch/linux-64/shards/" + file, refuse);
        std::filesystem::remove_all(settings.cache_directory);
        const auto fetched = fetch({canonical}, {"a", "b"});
        CHECK(fetched.front().subdirs[0]->records("a").size() == 1);
        CHECK(fetched.front().subdirs[0]->records("b").size() == 1);
    }
    // Where no mirror has it, the first one's answer is told.
    for (const auto& [file, bytes] : shards.shards) {
        server.status("/one/ch/linux-64/shards/" + file, 404);
        server.status("/two/ch/linux-64/shards/" + file, 400);
    }
    std::filesystem::remove_all(settings.cache_directory);
    try {
        (void)fetch({canonical}, {"a"});
        FAIL("it was fetched");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::Transient);
        CHECK_THAT(error.hint(), Catch::Contains("--refresh"));
    }
}

TEST_CASE_METHOD(FetchFixture, "shards: a cache that takes none does not end the run") {
    write_file_atomic(settings.cache_directory / "shards", "a file where a folder should be");
    serve_shards("/ch/linux-64", testing::served_shards({{"a", shard("a")}}));
    CHECK(fetch({channel()}, {"a"}).front().subdirs[0]->records("a").size() == 1);
}
