#include "pypi/specifier.hpp"

#include <catch2/catch.hpp>

using envbuild::pypi::Pep440Version;
using envbuild::pypi::SpecifierSet;

namespace {

std::string specifier(std::string_view text) {
    const auto set = SpecifierSet::parse(text);
    return set ? set->to_string() : "refused: " + set.error().message();
}

// The versions that the specifier takes, pre-releases included.
std::string taken(std::string_view specifiers, const std::vector<std::string>& versions) {
    const auto set = SpecifierSet::parse(specifiers);
    std::string out;
    for (const auto& version : versions) {
        if (set->contains(*Pep440Version::parse(version))) out += (out.empty() ? "" : " ") + version;
    }
    return out;
}

}  // namespace

TEST_CASE("a specifier set has one spelling") {
    CHECK(specifier(">= 1.0 , <2 ") == "<2,>=1.0");
    CHECK(specifier("<2,>=1.0,<2") == "<2,>=1.0");
    CHECK(specifier("==1.0.*,!=1.0.5") == "!=1.0.5,==1.0.*");
    CHECK(specifier("== 1.0-ALPHA1") == "==1.0a1");
    CHECK(specifier("==1.13.1+CU117") == "==1.13.1+cu117");
    CHECK(specifier("===Whatever_1") == "===Whatever_1");
    CHECK(specifier("").empty());
    CHECK(specifier(">=1.0,") == ">=1.0");
    // Padding with zeros is not a spelling: what was asked is kept.
    CHECK(specifier("==1.0") != specifier("==1.0.0"));
}

TEST_CASE("a specifier that pip refuses is refused with the reason") {
    CHECK(specifier("=1.0") == "refused: '=1.0' has a single '=', which pip does not know; write '=='");
    CHECK(specifier(">=1.0.*") == "refused: '>=1.0.*' has '.*', which only == and != take");
    CHECK(specifier("~=1") == "refused: '~=1' needs at least two numbers, as in ~=1.4");
    CHECK(specifier(">1.0+local") == "refused: '>1.0+local' has a local version (+…), which only == and != take");
    CHECK(specifier(">=") == "refused: '>=' names no version");
    CHECK(specifier(">=1.0 <2").starts_with("refused"));
    CHECK(specifier("==latest").starts_with("refused"));
}

TEST_CASE("each operator takes what PEP 440 says") {
    const std::vector<std::string> versions = {"1.0.dev1",       "1.0a1",     "1.0rc1",    "1.0",   "1.0+cu118",
                                               "1.0.post1.dev1", "1.0.post1", "1.0.post2", "1.0.1", "1.1.dev1",
                                               "1.1a1",          "1.1",       "2.0",       "1!0.5"};
    CHECK(taken("==1.0", versions) == "1.0 1.0+cu118");
    CHECK(taken("==1", versions) == "1.0 1.0+cu118");
    CHECK(taken("==1.0+cu118", versions) == "1.0+cu118");
    CHECK(taken("==1.0.*", versions) == "1.0.dev1 1.0a1 1.0rc1 1.0 1.0+cu118 1.0.post1.dev1 1.0.post1 1.0.post2 1.0.1");
    CHECK(taken("!=1.0.*", versions) == "1.1.dev1 1.1a1 1.1 2.0 1!0.5");
    CHECK(taken("!=1.0,!=1.1", versions) ==
          "1.0.dev1 1.0a1 1.0rc1 1.0.post1.dev1 1.0.post1 1.0.post2 1.0.1 1.1.dev1 1.1a1 2.0 1!0.5");
    CHECK(taken("<=1.0", versions) == "1.0.dev1 1.0a1 1.0rc1 1.0 1.0+cu118");
    CHECK(taken(">=1.0.post1,<1!0", versions) == "1.0.post1 1.0.post2 1.0.1 1.1.dev1 1.1a1 1.1 2.0");
    CHECK(taken("~=1.0.1", versions) == "1.0.1");
    CHECK(taken("~=1.0", versions) == "1.0 1.0+cu118 1.0.post1.dev1 1.0.post1 1.0.post2 1.0.1 1.1.dev1 1.1a1 1.1");
}

TEST_CASE("'<' leaves out the limit's pre-releases and '>' its post-releases, unless the limit is one") {
    CHECK(taken("<1.1", {"1.0", "1.1.dev0", "1.1a1", "1.1rc1"}) == "1.0");
    CHECK(taken("<1.1rc1", {"1.0", "1.1.dev0", "1.1a1", "1.1rc1"}) == "1.0 1.1.dev0 1.1a1");
    CHECK(taken("<1.1.post1", {"1.1rc1", "1.1", "1.1+x", "1.1.post1.dev1"}) == "1.1rc1 1.1 1.1+x");
    CHECK(taken(">1.1", {"1.1", "1.1+x", "1.1.post1", "1.1.post1.dev1", "1.1.0.1"}) == "1.1.0.1");
    CHECK(taken(">1.1a1", {"1.1a1.post1", "1.1a2", "1.1"}) == "1.1a2 1.1");
    CHECK(taken(">1.1.post1", {"1.1.post1", "1.1.post1+x", "1.1.post2"}) == "1.1.post2");
    CHECK(taken(">1.1.dev1", {"1.1.dev1", "1.1.dev1+x", "1.1.dev2", "1.1"}) == "1.1.dev2 1.1");
}

TEST_CASE("'===' compares texts") {
    CHECK(SpecifierSet::parse("===1.0")->contains(std::string_view("1.0")));
    CHECK_FALSE(SpecifierSet::parse("===1.0")->contains(std::string_view("1.0.0")));
    CHECK(SpecifierSet::parse("===FooBar")->contains(std::string_view("foobar")));
    CHECK_FALSE(SpecifierSet::parse(">=0")->contains(std::string_view("foobar")));
    CHECK(SpecifierSet::parse("===1.0.0")->contains(*Pep440Version::parse("1.0.0")));
}

TEST_CASE("pre-releases are taken where they are asked for, or there is nothing else") {
    const auto filtered = [](std::string_view text, std::optional<bool> prereleases = {}) {
        std::vector<Pep440Version> versions;
        for (const auto* version : {"1.0", "1.1a1", "1.1", "2.0rc1"})
            versions.push_back(*Pep440Version::parse(version));
        return SpecifierSet::parse(text)->filter(versions, prereleases);
    };
    CHECK(filtered("") == std::vector<std::size_t>{0, 2});
    CHECK(filtered("", true) == std::vector<std::size_t>{0, 1, 2, 3});
    CHECK(filtered(">=1.1a1") == std::vector<std::size_t>{1, 2, 3});
    CHECK(filtered(">1.1") == std::vector<std::size_t>{3});
    CHECK(filtered(">1.1", false).empty());
    CHECK(filtered("!=2.0rc1") == std::vector<std::size_t>{0, 2});
    CHECK_FALSE(SpecifierSet::parse("!=2.0rc1,==1.*")->allows_prereleases());
}
