#include "base/url.hpp"

#include <catch2/catch.hpp>

#include "base/credential_name.hpp"

using envbuild::Url;

namespace {
Url url(std::string_view text) {
    return envbuild::value_or_throw(Url::parse(text));
}
}  // namespace

TEST_CASE("url: parts, normal form and origin") {
    const auto u = url("HTTPS://Host.Example:443/a/./b/../c%20d?x=1&y=2#sha256=ab");
    CHECK(u.to_string() == "https://host.example/a/c%20d?x=1&y=2#sha256=ab");
    CHECK(u.filename() == "c d");
    CHECK(u.origin().to_string() == "https://host.example");
    CHECK(u.origin().port == 443);
    CHECK(url("http://h:8080").origin().to_string() == "http://h:8080");
    CHECK(url("http://[::1]:5000/v2/").port() == 5000);
    CHECK(url("file:///srv/ch").file_path() == "/srv/ch");
    CHECK(Url::from_path("/srv/my ch").to_string() == "file:///srv/my%20ch");
}

TEST_CASE("url: user information is kept apart and never printed") {
    const auto u = url("https://me%40x:s%3Acret@host/simple");
    REQUIRE(u.user_info());
    CHECK(u.user_info()->user == "me@x");
    CHECK(u.user_info()->password.reveal() == "s:cret");
    CHECK(u.to_string() == "https://host/simple");
    const auto bad = Url::parse("https://me:topsecret@host:99999/");
    REQUIRE_FALSE(bad);
    CHECK(bad.error().to_string().find("topsecret") == std::string::npos);
    CHECK(envbuild::redact("see https://u:p@h/t/tk-123/ch and more") == "see https://***@h/t/***/ch and more");
}

TEST_CASE("url: what is not a URL is refused") {
    for (const auto* text : {"", "host/path", "://x", "http://", "http://h:0/", "http://h:x/", "http://a b/",
                             "http://h/\n", "http://.[/", "http://a]/", "http://h{x}/"}) {
        INFO(text);
        CHECK_FALSE(Url::parse(text));
    }
}

TEST_CASE("url: join and resolve (RFC 3986, section 5)") {
    const auto base = url("http://h/simple/torch/?x");
    CHECK(base.join("a/b.json").to_string() == "http://h/simple/torch/a/b.json");
    CHECK(base.resolve("../../files/t.whl#sha256=1")->to_string() == "http://h/files/t.whl#sha256=1");
    CHECK(base.resolve("/abs")->to_string() == "http://h/abs");
    CHECK(base.resolve("//other/x")->to_string() == "http://other/x");
    CHECK(base.resolve("https://z/q")->to_string() == "https://z/q");
    CHECK(base.resolve("t.whl")->to_string() == "http://h/simple/torch/t.whl");
}

TEST_CASE("url: a credential does not follow a reference to another origin") {
    const auto base = url("http://u:p@h/simple/");
    CHECK(base.resolve("x")->user_info());
    CHECK_FALSE(base.resolve("http://elsewhere/x")->user_info());
    CHECK_FALSE(base.resolve("//h:81/x")->user_info());
}

TEST_CASE("percent encoding goes both ways") {
    CHECK(envbuild::percent_encode("a b/ü", "/") == "a%20b/%C3%BC");
    CHECK(envbuild::percent_decode("a%20b%2") == "a b%2");
    CHECK(envbuild::percent_decode("%zz%41") == "%zzA");
}

TEST_CASE("redact: credentials in a query go, by their names") {
    using envbuild::redact;
    CHECK(redact("https://h/r.git?private_token=abc&ref=v1#sub") == "https://h/r.git?private_token=***&ref=v1#sub");
    CHECK(redact("see 'https://h/x?a=1&X-Amz-Signature=0f&b=2' twice: https://h?sig=q") ==
          "see 'https://h/x?a=1&X-Amz-Signature=***&b=2' twice: https://h?sig=***");
    CHECK(redact("https://h/x?API-Key=q\nnext") == "https://h/x?API-Key=***\nnext");
    CHECK(redact("https://h/x?private%5Ftoken=q&%74oken=r") == "https://h/x?private%5Ftoken=***&%74oken=***");
    for (const auto* plain :
         {"https://h/x?ref=v1&page=2", "100%? yes=no", "https://h/x?token=", "a ? b & c = d", "what?", "?", "&="}) {
        CHECK(redact(plain) == plain);
    }
    CHECK(envbuild::names_credential("GITHUB_TOKEN"));
    CHECK(envbuild::names_credential("x-api-key"));
    CHECK_FALSE(envbuild::names_credential("AUTHOR"));
    CHECK(envbuild::query_holds_credential("sig=q"));
    CHECK_FALSE(envbuild::query_holds_credential("design=q&author=me"));
    CHECK(envbuild::query_holds_credential("a=b&access%5Ftoken=x"));
    CHECK(envbuild::query_holds_credential("PASSWORD=x"));
    CHECK_FALSE(envbuild::query_holds_credential("token="));
    CHECK_FALSE(envbuild::query_holds_credential("ref=token"));
    CHECK_FALSE(envbuild::query_holds_credential(""));
}

TEST_CASE("redact: text of any length and shape is scanned without recursion") {
    const std::string slashes = "{{ //" + std::string(300'000, 'a');
    CHECK(envbuild::redact(slashes) == slashes);
    const std::string token = "https://host.example/t/" + std::string(300'000, 'a');
    CHECK(envbuild::redact(token) == "https://host.example/t/***");
}

TEST_CASE("redact: a secret with '/', '#', '?', '@' or quotes in it goes whole") {
    using envbuild::redact;
    CHECK(redact("'https://user:s3c/r3t@' is bad") == "'https://***@' is bad");
    CHECK(redact("https://user:s3#c/r3t@host/x") == "https://***@host/x");
    CHECK(redact("https://user:p@ss@host/x") == "https://***@host/x");
    CHECK(redact("https://user:p@s/s@host/x") == "https://***@host/x");
    CHECK(redact("https://bob:123/rest@host/x") == "https://***@host/x");
    CHECK(redact("https://user:a\"b@host/x") == "https://***@host/x");
    CHECK(redact("git+https://bob:123/rest@host/x@v1") == "git+https://***@v1");
    CHECK(redact("//user:s3cret@host/x") == "//***@host/x");
    // What holds no secret stays readable.
    for (const auto* plain : {"https://host.example/@scope/pkg", "git+https://host.example:8443/r.git@v1.0",
                              "git+https://gitea/r.git@main", "file:///srv/a@b", "a//b", "mail me@host"}) {
        CHECK(redact(plain) == plain);
    }
    CHECK(redact("git+https://u:p@host/r.git@v1") == "git+https://***@host/r.git@v1");
}

TEST_CASE("url: a password that ends the authority is refused and never quoted") {
    for (const auto* text :
         {"https://user:hunter2/rest@host/", "https://user:hunter2/rest", "https://user:s3c/hunter2@",
          "https://bob:123/hunter2@host", "https://user:p@ss/hunter2@host/x", "https://user:12#hunter2@host/",
          "https://user:12?hunter2@host/", "git+https://bob:12/hunter2@host/r.git@v1", "https://hun/ter2@host/"}) {
        INFO(text);
        const auto refused = Url::parse(text);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().to_string().find("hunter2") == std::string::npos);
        CHECK(refused.error().hint().find("%2F") != std::string::npos);
    }
    CHECK(url("https://user:hunter%2Frest@host/x").user_info()->password.reveal() == "hunter/rest");
    CHECK(url("https://host.example/@scope/x").path() == "/@scope/x");
    CHECK(url("git+https://host.example:8443/r.git@v1.0").path() == "/r.git@v1.0");
    CHECK(url("git+https://u:p@host/r.git@main").path() == "/r.git@main");
    CHECK(url("file:///srv/a@b").path() == "/srv/a@b");
    // What a server names was not typed by anyone.
    CHECK(url("http://h:8080/simple/").resolve("/files/x@1.whl")->path() == "/files/x@1.whl");
    CHECK(url("http://h:8080/simple/").resolve("http://h:8080/x@1.whl")->path() == "/x@1.whl");
}
