#include "registry/challenge.hpp"

#include <catch2/catch.hpp>

using namespace envbuild::registry;

TEST_CASE("challenges are read as registries write them", "[registry]") {
    const auto hub = parse_challenges(
        R"(Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push")");
    REQUIRE(hub.size() == 1);
    CHECK(hub[0].scheme == "bearer");
    CHECK(hub[0].parameters.at("realm") == "https://auth.docker.io/token");
    CHECK(hub[0].parameters.at("scope") == "repository:a/b:pull,push");
    const auto two = parse_challenges(R"(Basic realm="a \"b\", c", charset=UTF-8, Bearer Realm = "x" , service=y)");
    REQUIRE(two.size() == 2);
    CHECK(two[0].scheme == "basic");
    CHECK(two[0].parameters.at("realm") == R"(a "b", c)");
    CHECK(two[0].parameters.at("charset") == "UTF-8");
    CHECK(two[1].parameters.at("realm") == "x");
    CHECK(two[1].parameters.at("service") == "y");
    CHECK(parse_challenges("Negotiate, NTLM").size() == 2);
}

TEST_CASE("rubbish in a challenge is passed over", "[registry]") {
    CHECK(parse_challenges("").empty());
    CHECK(parse_challenges(",,, ").empty());
    CHECK(parse_challenges("= \"").empty());
    for (const std::string text :
         {"Bearer realm=", "Bearer realm=\"", "Bearer realm=\"a\\", "Bearer =", "\"\" Bearer", "Bearer realm \"x\""}) {
        INFO(text);
        const auto challenges = parse_challenges(text);
        REQUIRE_FALSE(challenges.empty());
        CHECK(challenges.back().scheme.size() <= 6);
    }
}
