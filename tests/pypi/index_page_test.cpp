#include "pypi/index_page.hpp"

#include <catch2/catch.hpp>

using namespace envbuild;
using namespace envbuild::pypi;

namespace {

const std::string kA(64, 'a'), kB(64, 'b');

Url page_url() {
    return *Url::parse("https://index.example/simple/foo/");
}

std::string json_with(const std::string& file) {
    return R"({"meta": {"api-version": "1.1"}, "name": "foo", "files": [)" + file + "]}";
}

// The error of a page, or what it holds in short.
std::string outcome(const Expected<IndexPage>& page) {
    if (!page) return page.error().message();
    std::string out;
    for (const auto& file : page->files) out += file.filename + " ";
    for (const auto& skipped : page->skipped) out += "(" + skipped + ") ";
    return out;
}

}  // namespace

TEST_CASE("a JSON page says all that PEP 691, 592, 700 and 714 have") {
    const auto page =
        parse_json_page(R"({
      "meta": {"api-version": "1.3", "tracks": []}, "name": "foo", "versions": ["1.0"], "files": [
        {"filename": "foo-1.0-py3-none-any.whl", "url": "../../files/foo-1.0-py3-none-any.whl#x", "hashes": {"md5": "0", "sha256": ")" +
                            kA +
                            R"("}, "requires-python": ">=3.8", "size": 1234, "upload-time": "2024-01-02T03:04:05Z",
         "yanked": "broken", "dist-info-metadata": true, "core-metadata": {"sha256": ")" +
                            kB +
                            R"("}},
        {"filename": "foo-1.0.tar.gz", "url": "https://u:p@files.example/foo-1.0.tar.gz", "hashes": {}, "yanked": false, "provenance": null},
        {"filename": "foo-0.9.tar.gz", "url": "/foo-0.9.tar.gz", "yanked": true, "core-metadata": false, "dist-info-metadata": {"sha256": ")" +
                            kB + R"("}}
      ]})",
                        page_url());
    REQUIRE(page.has_value());
    REQUIRE(page->files.size() == 3);
    const IndexFile& wheel = page->files[0];
    CHECK(wheel.filename == "foo-1.0-py3-none-any.whl");
    CHECK(wheel.url.to_string() == "https://index.example/files/foo-1.0-py3-none-any.whl");
    CHECK(wheel.sha256->hex() == kA);
    CHECK(wheel.requires_python == ">=3.8");
    CHECK(wheel.size == 1234);
    CHECK(wheel.upload_time == "2024-01-02T03:04:05Z");
    CHECK(wheel.yanked == "broken");
    CHECK(wheel.has_metadata);
    CHECK(wheel.metadata_sha256->hex() == kB);
    const IndexFile& source = page->files[1];
    CHECK_FALSE(source.url.user_info().has_value());
    CHECK_FALSE(source.sha256.has_value());
    CHECK_FALSE(source.yanked.has_value());
    CHECK_FALSE(source.has_metadata);
    CHECK(page->files[2].url.to_string() == "https://index.example/foo-0.9.tar.gz");
    CHECK(page->files[2].yanked == "");
    CHECK_FALSE(page->files[2].has_metadata);
}

TEST_CASE("an HTML page says the same in its attributes") {
    const auto page = parse_html_page(
        "<html><head><base href='/root/'></head><body>"
        "<a href='../f/foo-1.0-py3-none-any.whl#sha256=" +
            kA +
            "' data-requires-python='&gt;=3.8' data-yanked='broken &amp; bad' "
            "data-dist-info-metadata='true' data-core-metadata='sha256=" +
            kB +
            "'>foo-1.0-py3-none-any.whl</a>"
            "<a href='foo-1.0%2Bcu118.tar.gz#egg=foo&sha256=" +
            kB +
            "' data-yanked>x</a>"
            "<a href='foo-0.9.zip#md5=0' data-dist-info-metadata='true'>y</a>"
            "<a href='..'>up</a><a name='here'>z</a><a href='foo-1.0.tar.gz.asc'>s</a></body>",
        page_url());
    REQUIRE(page.has_value());
    REQUIRE(page->files.size() == 3);
    CHECK(page->files[0].url.to_string() == "https://index.example/f/foo-1.0-py3-none-any.whl");
    CHECK(page->files[0].sha256->hex() == kA);
    CHECK(page->files[0].requires_python == ">=3.8");
    CHECK(page->files[0].yanked == "broken & bad");
    CHECK(page->files[0].has_metadata);
    CHECK(page->files[0].metadata_sha256->hex() == kB);
    CHECK(page->files[1].filename == "foo-1.0+cu118.tar.gz");
    CHECK(page->files[1].sha256->hex() == kB);
    CHECK(page->files[1].yanked == "");
    CHECK_FALSE(page->files[1].has_metadata);
    CHECK(page->files[2].has_metadata);
    CHECK_FALSE(page->files[2].metadata_sha256.has_value());
    CHECK_FALSE(page->files[2].sha256.has_value());
}

TEST_CASE("the type of an answer decides how it is read") {
    const std::string json = json_with(R"({"filename": "f-1.zip", "url": "f-1.zip"})");
    const std::string html = "<a href='f-1.zip'>f-1.zip</a>";
    CHECK(outcome(parse_index_page("application/vnd.pypi.simple.v1+json; charset=utf-8", json, page_url())) ==
          "f-1.zip ");
    CHECK(outcome(parse_index_page("Application/JSON", json, page_url())) == "f-1.zip ");
    CHECK(outcome(parse_index_page("application/vnd.pypi.simple.v1+html", html, page_url())) == "f-1.zip ");
    CHECK(outcome(parse_index_page("text/html;charset=utf-8", html, page_url())) == "f-1.zip ");
    CHECK(outcome(parse_index_page("", json, page_url())) == "f-1.zip ");
    CHECK(outcome(parse_index_page("application/octet-stream", "\n " + html, page_url())) == "f-1.zip ");
    CHECK(outcome(parse_index_page("application/vnd.pypi.simple.v2+json", json, page_url())) ==
          "https://index.example/simple/foo/: the index speaks version v2+json of the simple API; 1.x is known");
    CHECK(outcome(parse_index_page("image/png", "\x89PNG", page_url())) ==
          "https://index.example/simple/foo/: is no page of a package index but of type 'image/png'");
}

TEST_CASE("a page for people in place of an index is told as such") {
    const std::string login =
        "<html><head><title>Sign in</title><script src=x></script></head><body><form><a href='/help'>?</a></form>";
    const auto page = parse_html_page(login, page_url());
    REQUIRE_FALSE(page.has_value());
    CHECK(page.error().kind() == ErrorKind::Corrupt);
    CHECK(page.error().message() ==
          "https://index.example/simple/foo/: is an HTML page for people (\"Sign in\"), not a page of a package index");
    CHECK(page.error().hint().find("login") != std::string::npos);
    CHECK(outcome(parse_html_page("<html><body></body></html>", page_url())).empty());  // an index without files
    CHECK(outcome(parse_json_page(R"({"detail": "not found"})", page_url())).find("lacks meta.api-version or files") !=
          std::string::npos);
}

TEST_CASE("later minor versions of the API are read, major ones refused") {
    CHECK(parse_json_page(R"({"meta": {"api-version": "1.99"}, "files": []})", page_url()).has_value());
    CHECK(
        outcome(parse_json_page(R"({"meta": {"api-version": "2.0"}, "files": []})", page_url())).find("version 2.0") !=
        std::string::npos);
    CHECK(parse_html_page("<meta name='pypi:repository-version' content='1.3'>", page_url()).has_value());
    CHECK_FALSE(parse_html_page("<meta name='pypi:repository-version' content='2.0'>", page_url()).has_value());
}

TEST_CASE("members of a wrong type are named with their place") {
    const std::vector<std::pair<std::string, std::string>> wrong = {
        {R"({"filename": 1, "url": "f-1.zip"})", "files[0].filename is not a text"},
        {R"({"filename": "f-1.zip", "url": []})", "files[0].url is not a text"},
        {R"({"filename": "f-1.zip", "url": "f-1.zip", "hashes": "x"})", "files[0].hashes is not an object of hashes"},
        {R"({"filename": "f-1.zip", "url": "f-1.zip", "hashes": {"sha256": "xyz"}})",
         "files[0].hashes.sha256 is not 64 hexadecimal digits"},
        {R"({"filename": "f-1.zip", "url": "f-1.zip", "hashes": {"sha256": 7}})",
         "files[0].hashes.sha256 is not 64 hexadecimal digits"},
        {R"({"filename": "f-1.zip", "url": "f-1.zip", "size": -1})", "files[0].size is not a size"},
        {R"({"filename": "f-1.zip", "url": "f-1.zip", "size": 1e300})", "files[0].size is not a size"},
        {R"({"filename": "f-1.zip", "url": "f-1.zip", "requires-python": {}})",
         "files[0].requires-python is not a text"},
        {R"({"filename": "f-1.zip", "url": "f-1.zip", "yanked": 1})", "files[0].yanked is not true, false or a reason"},
        {R"({"filename": "f-1.zip", "url": "f-1.zip", "core-metadata": "sha256=x"})",
         "files[0].core-metadata is not true, false or an object of hashes"},
        {"7", "files[0] is not an object"},
    };
    for (const auto& [file, message] : wrong) {
        CHECK(outcome(parse_json_page(json_with(file), page_url())) == "https://index.example/simple/foo/: " + message);
    }
    for (const std::string body : {"", "[", "[]", "null", "{\"meta\": 1, \"files\": 2}", "{\"files\": []}"}) {
        INFO(body);
        CHECK_FALSE(parse_json_page(body, page_url()).has_value());
    }
}

TEST_CASE("links that lead elsewhere than to a file are left out") {
    // Judged by one name and installed by the other.
    CHECK(outcome(parse_json_page(json_with(R"({"filename": "f-1-py3-none-any.whl", "url": "f-1.zip"})"),
                                  page_url())) == "(f-1-py3-none-any.whl: its URL ends with another name) ");
    CHECK(outcome(parse_json_page(json_with(R"({"filename": "../f-1.zip", "url": "f-1.zip"})"), page_url())) ==
          "(../f-1.zip: it is no file name) ");
    CHECK(outcome(parse_json_page(json_with(R"({"filename": "f\n-1.zip", "url": "f-1.zip"})"), page_url())) ==
          "(f?-1.zip: it is no file name) ");
    CHECK(outcome(parse_json_page(json_with(R"({"filename": "f-1.zip"})"), page_url())) == "(f-1.zip: it has no URL) ");
    CHECK(outcome(parse_json_page(json_with(R"({"filename": "f-1.zip", "url": "file:///etc/f-1.zip"})"), page_url())) ==
          "(file:///etc/f-1.zip: the scheme is not followed) ");
    CHECK(outcome(parse_html_page("<a href='javascript://x/f-1.zip'>", page_url())) ==
          "(javascript://x/f-1.zip: the scheme is not followed) ");
    CHECK(outcome(parse_html_page("<a href='..%2f..%2ff-1.zip'>", page_url())) ==
          "(../../f-1.zip: it is no file name) ");
    CHECK(outcome(parse_html_page("<a href='https://h:bad/f-1.zip'>", page_url()))
              .starts_with("(https://h:bad/f-1.zip: "));
    CHECK(
        outcome(parse_html_page("<a href='a b-1.zip'>", page_url())).starts_with("(a b-1.zip: the URL holds a space"));
    const Url local = *Url::parse("file:///srv/simple/foo/index.html");
    CHECK(parse_html_page("<a href='f-1.zip'>", local)->files.at(0).url.to_string() ==
          "file:///srv/simple/foo/f-1.zip");
}

TEST_CASE("no credential of a page's URL or link is printed") {
    const Url page = *Url::parse("https://user:hunter2@index.example/simple/foo/");
    CHECK(outcome(parse_json_page("{", page)).find("hunter2") == std::string::npos);
    const auto files = parse_html_page("<a href='f-1.zip'><a href='ftp://u:hunter2@h/x-1.zip'>", page);
    CHECK(outcome(files).find("hunter2") == std::string::npos);
    CHECK_FALSE(files->files.at(0).url.user_info().has_value());
}
