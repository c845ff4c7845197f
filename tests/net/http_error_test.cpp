#include <catch2/catch.hpp>

#include "net/http_client.hpp"

using namespace envbuild;

namespace {

Error error_for(int status, std::string body, std::string type = "application/json") {
    HttpRequest request;
    HttpResponse response;
    response.final_url = value_or_throw(Url::parse("https://host.example/x"));
    response.status = status;
    response.headers["content-type"] = std::move(type);
    response.body = std::move(body);
    return http_error("asking for a thing", request, response);
}

}  // namespace

TEST_CASE("The status decides the kind") {
    for (const int status : {401, 403, 407}) CHECK(error_for(status, "").kind() == ErrorKind::Unauthorized);
    for (const int status : {404, 410}) CHECK(error_for(status, "").kind() == ErrorKind::NotFound);
    for (const int status : {408, 429, 500, 501, 502, 503, 599})
        CHECK(error_for(status, "").kind() == ErrorKind::Transient);
    for (const int status : {400, 405, 409, 302}) CHECK(error_for(status, "").kind() == ErrorKind::InvalidInput);
}

TEST_CASE("The message names what was asked, the host and what came") {
    CHECK(error_for(404, "").message() == "asking for a thing: host.example answered 404 Not Found");
    CHECK(error_for(500, "plain words\nand more", "text/plain").message() ==
          "asking for a thing: host.example answered 500 Internal Server Error: plain words");
    CHECK(error_for(400, R"({"message":"no such\nthing"})").message() ==
          "asking for a thing: host.example answered 400 Bad Request: no such");
    CHECK_THAT(error_for(403, R"({"errors":[{"code":"DENIED","message":"not yours"}]})").message(),
               Catch::EndsWith(": not yours"));
    CHECK_THAT(error_for(403, R"({"errors":[{"code":"DENIED"}]})").message(), Catch::EndsWith(": DENIED"));
}

TEST_CASE("Pages, rubbish and secrets stay out of the message") {
    const std::string plain = "asking for a thing: host.example answered 403 Forbidden";
    CHECK(error_for(403, "<html>long page</html>", "text/plain").message() == plain);
    CHECK(error_for(403, "a page", "text/html; charset=utf-8").message() == plain);
    CHECK(error_for(403, "\xff\xfe", "text/plain").message() == plain);
    CHECK(error_for(403, "{broken").message() == plain);
    CHECK_THAT(error_for(403, "see https://me:secret@host/x", "text/plain").message(), !Catch::Contains("secret"));
    CHECK_THAT(error_for(403, "a\x1b[31mb", "text/plain").message(), Catch::EndsWith("a[31mb"));
    CHECK(error_for(403, std::string(5000, 'x'), "text/plain").message().size() < 500);
}

TEST_CASE("A server's own failure says where to look next; an engine's has its own words") {
    CHECK_THAT(error_for(500, "").hint(), Catch::Contains("log"));
    CHECK(error_for(404, "").hint().empty());
}
