#include "pypi/package_index.hpp"

#include <catch2/catch.hpp>
#include <thread>

#include "pypi/index_support.hpp"

using namespace envbuild;
using namespace envbuild::pypi;
using testing::error_of;
namespace fault = testing::fault;
using Strings = std::vector<std::string>;

namespace {

const std::string kA(64, 'a'), kB(64, 'b');
constexpr auto* kJson = "application/vnd.pypi.simple.v1+json";

std::string link(const std::string& file, const std::string& hash = "") {
    return "<a href='/files/" + file + (hash.empty() ? "" : "#sha256=" + hash) + "'>" + file + "</a>";
}

struct Fixture {
    testing::IndexServer server;
    TempDir folder{"package-index"};
    HttpClient client{testing::quick_retries(), CancelToken()};
    PackageIndexSettings settings;

    Fixture() {
        settings.cache_directory = folder.path() / "cache";
        settings.indexes = {server.parsed("/simple")};
    }
    std::string files(const Project& project) {
        std::string out;
        for (const auto& file : project.files)
            out += file.file.filename + "@" + std::to_string(file.place) + (file.dispute.empty() ? "" : "!") + " ";
        return out;
    }
    std::shared_ptr<const Project> project(const std::string& name) {
        return PackageIndex(client, settings, silent_reporter()).project(name);
    }
};

}  // namespace

TEST_CASE_METHOD(Fixture, "a project's page is asked for once, in JSON first") {
    server.page(
        "/simple/foo/",
        R"({"meta": {"api-version": "1.0"}, "files": [{"filename": "foo-1.0.tar.gz", "url": "../../files/foo-1.0.tar.gz", "hashes": {}}]})",
        kJson);
    PackageIndex index(client, settings, silent_reporter());
    CHECK(files(*index.project("foo")) == "foo-1.0.tar.gz@0 ");
    CHECK(index.project("foo")->files[0].file.url.to_string() == server.url("/files/foo-1.0.tar.gz"));
    CHECK(server.requests().size() == 1);
    CHECK(server.requests()[0].header("accept") == kIndexAccept);
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) threads.emplace_back([&] { (void)index.project("bar"); });
    threads.clear();
    CHECK(server.asked() == Strings{"GET /simple/foo/", "GET /simple/bar/"});
}

TEST_CASE_METHOD(Fixture, "pages stay on this machine for as long as they are good") {
    server.page("/simple/foo/", link("foo-1.0.tar.gz"), "text/html", "Cache-Control: max-age=600\r\n");
    CHECK(files(*project("foo")) == "foo-1.0.tar.gz@0 ");
    CHECK(files(*project("foo")) == "foo-1.0.tar.gz@0 ");
    CHECK(server.asked().size() == 1);
    settings.refresh = true;
    (void)project("foo");
    CHECK(server.asked().size() == 1);
}

TEST_CASE_METHOD(Fixture, "the files of several indexes are joined in the indexes' order") {
    settings.indexes.push_back(server.parsed("/extra/"));
    server.page("/simple/foo/", link("foo-1.0.tar.gz", kA) + link("foo-2.0.tar.gz"));
    server.page("/extra/foo/", link("foo-1.0.tar.gz", kA) + link("foo-2.0.tar.gz", kB) + link("foo-3.0.tar.gz", kA));
    const auto both = project("foo");
    CHECK(files(*both) == "foo-1.0.tar.gz@0 foo-2.0.tar.gz@0 foo-3.0.tar.gz@1 ");
    // It is one URL, and either may say its hash.
    CHECK(both->files[1].file.sha256->hex() == kB);
    CHECK(both->absent.empty());
    server.on("/extra/foo/", fault::respond(404));
    const auto one = project("foo");
    CHECK(files(*one) == "foo-1.0.tar.gz@0 foo-2.0.tar.gz@0 ");
    CHECK(one->absent == Strings{server.url("/extra/foo/") + " answered 404"});
}

TEST_CASE_METHOD(Fixture, "a file that two indexes give with different hashes is disputed") {
    settings.indexes.push_back(server.parsed("/extra"));
    server.page("/simple/foo/", link("foo-1.0.tar.gz", kA) + link("foo-2.0.tar.gz", kA));
    server.page("/extra/foo/", link("foo-1.0.tar.gz", kB));
    const auto found = project("foo");
    CHECK(files(*found) == "foo-1.0.tar.gz@0! foo-2.0.tar.gz@0 foo-1.0.tar.gz@1! ");
    CHECK(found->files[0].file.sha256->hex() == kA);
    CHECK(found->files[2].file.sha256->hex() == kB);
    CHECK(found->files[2].dispute == found->files[0].dispute);
    CHECK(found->files[0].dispute == "foo-1.0.tar.gz is offered by " + server.url("/simple") + " with the sha256 " +
                                         kA + ", and by " + server.url("/extra") + " with the sha256 " + kB);
}

TEST_CASE_METHOD(Fixture, "a later index takes no file's place by giving a hash for it") {
    settings.indexes.push_back(server.parsed("/extra"));
    server.page("/simple/foo/", "<a href='/files/foo-1.0.tar.gz'>foo-1.0.tar.gz</a>");
    server.page("/extra/foo/", "<a href='/other/foo-1.0.tar.gz#sha256=" + kB + "'>foo-1.0.tar.gz</a>");
    const auto found = project("foo");
    CHECK(files(*found) == "foo-1.0.tar.gz@0 ");
    CHECK(found->files[0].file.url.to_string() == server.url("/files/foo-1.0.tar.gz"));
    CHECK_FALSE(found->files[0].file.sha256);
    server.page("/extra/foo/", "<a href='/other/foo-1.0.tar.gz'>foo-1.0.tar.gz</a>");
    CHECK(files(*project("foo")) == "foo-1.0.tar.gz@0 ");
    settings.indexes.pop_back();
    settings.find_links = {server.parsed("/links.html")};
    server.page("/links.html", "<a href='/other/foo-1.0.tar.gz#sha256=" + kB + "'>foo-1.0.tar.gz</a>");
    const auto linked = project("foo");
    CHECK(files(*linked) == "foo-1.0.tar.gz@0 ");
    CHECK_FALSE(linked->files[0].file.sha256);
}

TEST_CASE_METHOD(Fixture, "a project that no index has is told with those that were asked") {
    PackageIndex index(client, settings, silent_reporter());
    const auto absent = index.project("foo");
    CHECK_FALSE(absent->known);
    const Error error = index.absent_error(*absent);
    CHECK(error.kind() == ErrorKind::NotFound);
    CHECK(error.message() == "no package index has 'foo': " + server.url("/simple/foo/") + " answered 404");
    server.page("/simple/bar/", "<html><body></body></html>");
    CHECK(index.project("bar")->known);
}

TEST_CASE_METHOD(Fixture, "an index that fails is an error, not an empty one") {
    settings.indexes.push_back(server.parsed("/extra"));
    server.page("/extra/foo/", link("foo-1.0.tar.gz"));
    const auto failing = [&](const testing::FaultHandler& handler) {
        server.on("/simple/foo/", handler);
        return error_of([&] { (void)project("foo"); });
    };
    CHECK(failing(fault::respond(503)).kind() == ErrorKind::Transient);
    CHECK(failing(fault::close_at_once()).kind() == ErrorKind::Transient);
    const Error login = failing(fault::respond(401));
    CHECK(login.kind() == ErrorKind::Unauthorized);
    CHECK(login.message() == server.url("/simple/foo/") + " answered 401 Unauthorized");
    CHECK(login.hint().find("~/.netrc") != std::string::npos);
    const Error page = failing(fault::respond(200, "<title>Hi</title><form></form>", "Content-Type: text/html\r\n"));
    CHECK(page.kind() == ErrorKind::Corrupt);
    CHECK(page.message() ==
          server.url("/simple/foo/") + ": is an HTML page for people (\"Hi\"), not a page of a package index");
}

TEST_CASE_METHOD(Fixture, "a page that is no index is not kept") {
    server.page("/simple/foo/", "<title>Hi</title><form></form>", "text/html", "Cache-Control: max-age=600\r\n");
    CHECK(error_of([&] { (void)project("foo"); }).kind() == ErrorKind::Corrupt);
    server.page("/simple/foo/", link("foo-1.0.tar.gz"));
    CHECK(files(*project("foo")) == "foo-1.0.tar.gz@0 ");
}

TEST_CASE_METHOD(Fixture, "403 means absence only where another index has the project") {
    server.on("/simple/foo/", fault::respond(403));
    const Error error = error_of([&] { (void)project("foo"); });
    CHECK(error.kind() == ErrorKind::Unauthorized);
    CHECK(error.message() == server.url("/simple/foo/") + " answered 403 Forbidden");
    settings.indexes.push_back(server.parsed("/extra"));
    server.page("/extra/foo/", link("foo-1.0.tar.gz"));
    CHECK(files(*project("foo")) == "foo-1.0.tar.gz@1 ");
}

TEST_CASE_METHOD(Fixture, "a credential in an index's URL is sent to it and shown nowhere") {
    server.page("/simple/foo/", link("foo-1.0.tar.gz"), "text/html", "Cache-Control: max-age=600\r\n");
    const std::string port = server.url().substr(server.url().rfind(':'));
    settings.indexes = {*Url::parse("http://user:hunter2@127.0.0.1" + port + "/simple")};
    PackageIndex index(client, settings, silent_reporter());
    const auto found = index.project("foo");
    CHECK(server.requests()[0].header("authorization").starts_with("Basic "));
    CHECK_FALSE(found->files[0].file.url.user_info().has_value());
    CHECK_FALSE(index.places()[0].user_info().has_value());
    for (const auto& entry : fs::recursive_directory_iterator(folder.path())) {
        if (entry.is_regular_file()) CHECK(read_file(entry.path()).find("hunter2") == std::string::npos);
    }
    server.on("/simple/bar/", fault::respond(401));
    CHECK(error_of([&] { (void)index.project("bar"); }).to_string().find("hunter2") == std::string::npos);
}

TEST_CASE_METHOD(Fixture, "links of pages, single files and folders belong to the projects that their names say") {
    server.page("/links.html",
                link("foo-1.0-py3-none-any.whl", kA) + link("bar-1.0.tar.gz") + link("foo-bar-1.0.tar.gz"));
    fs::create_directories(folder.path() / "wheels");
    write_file_atomic(folder.path() / "wheels" / "foo-3.0.tar.gz", "three");
    write_file_atomic(folder.path() / "wheels" / "README", "no archive");
    settings.find_links = {server.parsed("/links.html"), server.parsed("/direct/Foo-2.0.zip#sha256=" + kB),
                           Url::from_path((folder.path() / "wheels").string())};
    const auto found = project("foo");
    CHECK(files(*found) == "foo-1.0-py3-none-any.whl@1 Foo-2.0.zip@2 foo-3.0.tar.gz@3 ");
    CHECK_FALSE(found->known);
    CHECK(found->files[0].file.sha256->hex() == kA);
    CHECK(found->files[1].file.sha256->hex() == kB);
    CHECK(found->files[1].file.url.to_string() == server.url("/direct/Foo-2.0.zip"));
    CHECK(found->files[2].file.size == 5);
    CHECK(files(*project("foo-bar")) == "foo-bar-1.0.tar.gz@1 ");

    settings.find_links = {server.parsed("/absent.html")};
    const Error error = error_of([&] { (void)project("foo"); });
    CHECK(error.kind() == ErrorKind::NotFound);
    CHECK(error.message() == server.url("/absent.html") + " of --find-links is not there");
}

TEST_CASE_METHOD(Fixture, "an index may be a folder of this machine") {
    fs::create_directories(folder.path() / "simple" / "foo");
    write_file_atomic(folder.path() / "simple" / "foo" / "index.html", "<a href='foo-1.0.tar.gz'>x</a>");
    settings.indexes = {Url::from_path((folder.path() / "simple").string())};
    const auto found = project("foo");
    CHECK(files(*found) == "foo-1.0.tar.gz@0 ");
    CHECK(found->files[0].file.url.file_path() == (folder.path() / "simple" / "foo" / "foo-1.0.tar.gz").string());
    CHECK_FALSE(project("bar")->known);
}

TEST_CASE_METHOD(Fixture, "pages that will be needed are asked for together, and fail when they are needed") {
    Strings names;
    for (int i = 0; i < 20; ++i) {
        names.push_back("p" + std::to_string(i));
        server.page("/simple/" + names.back() + "/", link(names.back() + "-1.0.tar.gz"));
    }
    server.on("/simple/p7/", fault::respond(500));
    PackageIndex index(client, settings, silent_reporter());
    index.prefetch(names);
    CHECK(files(*index.project("p3")) == "p3-1.0.tar.gz@0 ");
    CHECK(error_of([&] { (void)index.project("p7"); }).kind() == ErrorKind::Transient);
    const auto asked = server.asked().size();
    CHECK(asked >= 20);
    (void)index.project("p19");
    CHECK(server.asked().empty());
}

TEST_CASE_METHOD(Fixture, "mirrors are asked in turn in place of their index") {
    settings.mirrors[settings.indexes[0].to_string()] = {server.parsed("/down"), server.parsed("/part"),
                                                         server.parsed("/whole")};
    server.on("/down/foo/", fault::respond(503, "later"));
    server.page("/whole/foo/", link("foo-1.0.tar.gz", kA));
    server.page("/simple/foo/", link("foo-2.0.tar.gz", kA));
    CHECK(files(*project("foo")) == "foo-1.0.tar.gz@0 ");
    // None has it, and one could not say.
    server.on("/down/bar/", fault::respond(503, "later"));
    CHECK(error_of([&] { (void)project("bar"); }).kind() == ErrorKind::Transient);
    server.on("/down/bar/", fault::respond(404, "none"));
    const auto absent = project("bar");
    CHECK_FALSE(absent->known);
    CHECK(absent->absent.size() == 3);
}
