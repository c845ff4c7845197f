#include "pypi/requirement.hpp"

#include <catch2/catch.hpp>

using namespace envbuild;
using envbuild::pypi::Requirement;

TEST_CASE("a requirement's texts are read") {
    const auto requirement = *Requirement::parse("Foo.Bar [B,a] >=1.0,!=1.5 ; python_version < '3.9'");
    CHECK(requirement.name == "foo-bar");
    CHECK(requirement.extras == std::vector<std::string>{"a", "b"});
    CHECK(requirement.specifier.contains(*pypi::Pep440Version::parse("1.4")));
    CHECK_FALSE(requirement.specifier.contains(*pypi::Pep440Version::parse("1.5")));
    CHECK_FALSE(requirement.marker.empty());
    CHECK_FALSE(requirement.url.has_value());
    CHECK(requirement.to_string() == "foo-bar[a,b]!=1.5,>=1.0; python_version < \"3.9\"");
}

TEST_CASE("a requirement by URL names that file") {
    const auto file = *Requirement::parse("x @ https://h.example/x-1.0-py3-none-any.whl ; extra == 'y'");
    REQUIRE(file.url.has_value());
    CHECK(file.url->filename() == "x-1.0-py3-none-any.whl");
    CHECK(file.to_string() == "x @ https://h.example/x-1.0-py3-none-any.whl ; extra == \"y\"");
    CHECK(Requirement::parse("x @ git+https://h.example/r.git@v1")->to_string() ==
          "x @ git+https://h.example/r.git@v1");
}

TEST_CASE("what names no package is no requirement to resolve") {
    CHECK_FALSE(Requirement::parse("x @ file:///w/x-1.0-py3-none-any.whl").has_value());
    CHECK_FALSE(Requirement::parse("x ==").has_value());
    CHECK_FALSE(Requirement::parse("").has_value());
}
