#include "conda/repodata_fetcher.hpp"

#include <fmt/format.h>

#include "conda/fetch_support.hpp"
#include "support/tar_writer.hpp"

using namespace envbuild;
using namespace envbuild::conda;
using namespace envbuild::conda::test;
using testing::zstd;

TEST_CASE_METHOD(FetchFixture, "the zst is asked first, then the json") {
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

TEST_CASE_METHOD(FetchFixture, "a channel that has the bz2 alone, on a server and in a folder") {
    server.serve("/ch/linux-64/repodata.json.bz2", testing::bzip2(repodata("old")), "\"1\"");
    CHECK(fetch({channel()}).front().subdirs[0]->names() == Strings{"old"});
    (void)server.asked();
    CHECK(fetch({channel()}).front().subdirs[0]->names() == Strings{"old"});
    CHECK(std::ranges::count(server.asked(), "/ch/linux-64/repodata.json.bz2") == 1);
    const auto root = folder.path() / "local";
    write_file_atomic(root / "linux-64" / "repodata.json.bz2", testing::bzip2(repodata("older")));
    CHECK(fetch({Channel("local", Url::from_path(root.string()))}).front().subdirs[0]->names() == Strings{"older"});
}

TEST_CASE_METHOD(FetchFixture, "what was not modified is taken from the cache") {
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

TEST_CASE_METHOD(FetchFixture, "Cache-Control says how long nothing is asked") {
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

TEST_CASE_METHOD(FetchFixture, "a channel without one of its subdirs is fine, without both it is not there") {
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

TEST_CASE_METHOD(FetchFixture, "an HTML page is no repodata") {
    for (const auto* path : {"/ch/linux-64/repodata.json.zst", "/ch/linux-64/repodata.json"})
        server.serve(path, "\n <html>login</html>");
    const Error error = failure({channel()});
    CHECK(error.kind() == ErrorKind::Corrupt);
    CHECK_THAT(error.message(), Catch::Contains("HTML") && Catch::Contains("/ch/linux-64/repodata.json"));
    // A server that answers HTML for what it does not know, and has the json.
    server.serve("/ch/linux-64/repodata.json", repodata("a"));
    CHECK(fetch({channel()}).front().subdirs[0]->names() == Strings{"a"});
}

TEST_CASE_METHOD(FetchFixture, "refusals are told apart") {
    server.status("/ch/linux-64/repodata.json.zst", 401);
    CHECK(failure({channel()}).kind() == ErrorKind::Unauthorized);
    server.status("/ch/linux-64/repodata.json.zst", 403);
    server.status("/ch/linux-64/repodata.json", 403);
    const Error forbidden = failure({channel()});
    CHECK(forbidden.kind() == ErrorKind::Unauthorized);
    CHECK_THAT(forbidden.message(), Catch::Contains("403"));
    CHECK(reporter.warnings().empty());
    // Object stores say 403 for what is not there: the other subdir shows that the channel may be read.
    server.serve("/ch/noarch/repodata.json", repodata("a"));
    CHECK(fetch({channel()}).front().subdirs[1]->names() == Strings{"a"});
    CHECK(reporter.warnings().size() == 1);

    server.status("/ch/linux-64/repodata.json.zst", 500);
    CHECK(failure({channel()}).kind() == ErrorKind::Transient);
}

TEST_CASE_METHOD(FetchFixture, "broken answers are refused and never cached") {
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

TEST_CASE_METHOD(FetchFixture, "a large repodata is scanned while it comes, and refused where it is broken") {
    std::string text = R"({"packages":{)";
    for (int i = 0; i < 8000; ++i) {
        text += fmt::format(R"({}"p{}-1.0-0.conda":{{"build":"0","depends":["p{} >=1"],"name":"p{}","version":"1.0"}})",
                            i > 0 ? "," : "", i / 2, i / 3, i / 2);
    }
    const auto whole = text + "}}";
    for (const auto& body : {zstd(whole), whole}) {
        server.serve("/ch/linux-64/repodata.json.zst", body);
        const auto fetched = fetch({channel()}).front().subdirs[0];
        CHECK(fetched->names().size() == 4000);
        CHECK(fetched->needs("p3999") == Strings{"p2666"});
        CHECK(fetched->records("p7").size() == 2);
    }
    const auto place = text.find("p2000-1.0");
    auto odd = whole;
    odd[place + 5] = '\n';
    for (const auto& broken : {text, text + "}", odd, whole + "}"}) {
        for (const auto& body : {zstd(broken), broken}) {
            server.serve("/ch/linux-64/repodata.json.zst", body);
            const auto error = failure({channel()});
            CHECK(error.kind() == ErrorKind::Corrupt);
            CHECK_THAT(error.message(), Catch::Contains("repodata.json.zst"));
        }
    }
}

TEST_CASE_METHOD(FetchFixture, "a repodata that never ends is cut off at the limit") {
    server.serve("/ch/linux-64/repodata.json.zst", zstd(R"({"packages":{)" + std::string(1 << 20, ' ') + "}}"));
    settings.size_limit = 1 << 18;
    const Error error = failure({channel()});
    CHECK(error.kind() == ErrorKind::Corrupt);
    CHECK_THAT(error.message(), Catch::Contains("larger"));
}

TEST_CASE_METHOD(FetchFixture, "mirrors are asked in turn, records keep the canonical URL") {
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

TEST_CASE_METHOD(FetchFixture, "a form that a server does not know and answers oddly is passed over") {
    server.serve("/ch/linux-64/repodata.json", repodata("a"));
    server.serve("/old/linux-64/repodata.json.bz2", testing::bzip2(repodata("b")));
    for (const int status : {400, 405, 406, 500, 501, 503}) {
        INFO(status);
        for (const auto* form : {"repodata_shards.msgpack.zst", "repodata.json.zst"}) {
            for (const auto* folder_path : {"/ch/linux-64/", "/old/linux-64/"})
                server.status(std::string(folder_path) + form, status);
        }
        server.status("/old/linux-64/repodata.json", status);
        settings.refresh = true;
        const auto fetched = fetch({channel(), channel("/old")});
        CHECK(fetched[0].subdirs[0]->names() == Strings{"a"});
        CHECK(fetched[1].subdirs[0]->names() == Strings{"b"});
    }
    CHECK(reporter.warnings().empty());
    // A login that is needed is asked for, not passed over.
    server.status("/ch/linux-64/repodata_shards.msgpack.zst", 401);
    CHECK(failure({channel()}).kind() == ErrorKind::Unauthorized);
}

TEST_CASE_METHOD(FetchFixture, "a damaged form gives way to the next, and is told") {
    server.serve("/ch/linux-64/repodata.json.zst", zstd(repodata("a")).substr(0, 20));
    server.serve("/ch/linux-64/repodata.json", repodata("a"));
    CHECK(fetch({channel()}).front().subdirs[0]->names() == Strings{"a"});
    REQUIRE(reporter.warnings().size() == 1);
    CHECK_THAT(reporter.warnings().front(), Catch::Contains("repodata.json.zst") && Catch::Contains("is used instead"));
}

TEST_CASE_METHOD(FetchFixture, "an odd status of one mirror is no answer of the next") {
    channels.mirrors["https://conda.example.org"] = {server.url() + "/odd", server.url() + "/good"};
    for (const auto* form : {"repodata_shards.msgpack.zst", "repodata.json.zst", "repodata.json", "repodata.json.bz2"})
        server.status(std::string("/odd/ch/linux-64/") + form, 400);
    server.serve("/good/ch/linux-64/repodata.json", repodata("a"));
    const Channel canonical("ch", value_or_throw(Url::parse("https://conda.example.org/ch")));
    CHECK(fetch({canonical}).front().subdirs[0]->names() == Strings{"a"});
}

TEST_CASE_METHOD(FetchFixture, "an outage is never taken for an empty channel") {
    const Channel canonical("ch", value_or_throw(Url::parse("https://conda.example.org/ch")));
    channels.mirrors["https://conda.example.org"] = {server.url() + "/closed", server.url() + "/down"};
    server.serve("/closed/ch/noarch/repodata.json", repodata("a"));
    for (const auto* form :
         {"repodata_shards.msgpack.zst", "repodata.json.zst", "repodata.json", "repodata.json.bz2"}) {
        server.status(std::string("/closed/ch/linux-64/") + form, 403);
        server.status(std::string("/down/ch/linux-64/") + form, 503);
    }
    CHECK(failure({canonical}).kind() == ErrorKind::Transient);
    // One form that fails and others that are forbidden or missing.
    channels.mirrors["https://conda.example.org"] = {server.url() + "/closed"};
    server.status("/closed/ch/linux-64/repodata.json.zst", 500);
    CHECK(failure({canonical}).kind() == ErrorKind::Transient);
    CHECK(reporter.warnings().empty());
}

TEST_CASE_METHOD(FetchFixture, "a server that asks for patience is not asked as often for each form") {
    for (const auto* form : {"repodata_shards.msgpack.zst", "repodata.json.zst", "repodata.json", "repodata.json.bz2"})
        server.status(std::string("/ch/linux-64/") + form, 503);
    CHECK_THROWS_AS(RepoDataFetcher(http, channels, settings, reporter).fetch_subdir(channel(), "linux-64"), Error);
    CHECK(server.asked().size() == 4 + 1 + 1 + 1);
}

TEST_CASE_METHOD(FetchFixture, "a subdir that is missing is asked for again when its answer is no longer fresh") {
    server.serve("/ch/linux-64/repodata.json", repodata("a"), "\"1\"");
    const auto missing = fault::respond(404, "", "Cache-Control: max-age=600\r\n");
    for (const auto* form :
         {"repodata_shards.msgpack.zst", "repodata.json.zst", "repodata.json", "repodata.json.bz2"}) {
        server.on(std::string("/ch/noarch/") + form, missing);
        server.on(std::string("/gone/linux-64/") + form, missing);
        server.on(std::string("/gone/noarch/") + form, missing);
    }
    const auto asked_of_noarch = [&] {
        return std::ranges::count_if(server.asked(), [](const auto& path) { return path.contains("/noarch/"); });
    };
    CHECK(fetch({channel()}).front().subdirs[1]->names().empty());
    CHECK(asked_of_noarch() == 4);
    CHECK(fetch({channel()}).front().subdirs[1]->names().empty());
    CHECK(asked_of_noarch() == 0);
    settings.refresh = true;
    (void)fetch({channel()});
    CHECK(asked_of_noarch() == 4);
    settings.refresh = false;
    // What one mirror has not says nothing of another.
    channels.mirrors[server.url() + "/ch"] = {server.url() + "/ch", server.url() + "/copy"};
    server.serve("/copy/noarch/repodata.json", repodata("b"));
    CHECK(fetch({channel()}).front().subdirs[1]->names() == Strings{"b"});
    // After the error "not there" the server is asked again: it may have been mended.
    (void)failure({channel("/gone")});
    server.serve("/gone/noarch/repodata.json", repodata("c"));
    CHECK(fetch({channel("/gone")}).front().subdirs[1]->names() == Strings{"c"});
}

TEST_CASE_METHOD(FetchFixture, "many at once ask once for a subdir that is missing") {
    const auto at_once = fetch_at_once("/ch/linux-64/repodata_shards.msgpack.zst", fault::respond(404, ""),
                                       [](const auto& data) { return data == nullptr; });
    CHECK(at_once.content == AtOnce::kThreads);
    CHECK(at_once.asked < AtOnce::kThreads);
}

TEST_CASE_METHOD(FetchFixture, "a folder is a channel") {
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

TEST_CASE_METHOD(FetchFixture, "tokens and passwords go on the wire and nowhere else") {
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

TEST_CASE_METHOD(FetchFixture, "a damaged cache is noticed and fetched anew") {
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

TEST_CASE_METHOD(FetchFixture, "many at once ask the server once") {
    const auto at_once = fetch_at_once("/ch/linux-64/repodata.json.zst", fault::respond(200, zstd(repodata("a"))),
                                       [](const auto& data) { return data && data->names() == Strings{"a"}; });
    CHECK(at_once.content == AtOnce::kThreads);
    CHECK(at_once.asked < AtOnce::kThreads);
}
