#include "pypi/pep440.hpp"

#include <catch2/catch.hpp>
#include <filesystem>

#include "base/fs.hpp"
#include "base/json.hpp"
#include "support/shared_data.hpp"

using envbuild::pypi::Pep440Version;
using envbuild::pypi::SpecifierSet;

namespace {

std::string normal(std::string_view text) {
    const auto version = Pep440Version::parse(text);
    return version ? version->to_string() : "refused";
}

std::string specifier(std::string_view text) {
    const auto set = SpecifierSet::parse(text);
    return set ? set->to_string() : "refused: " + set.error().message();
}

}  // namespace

TEST_CASE("a version is normalised as PEP 440 says") {
    CHECK(normal("1.0") == "1.0");
    CHECK(normal(" v1.0-ALPHA_1 ") == "1.0a1");
    CHECK(normal("1.0.post") == "1.0.post0");
    CHECK(normal("1.0-1") == "1.0.post1");
    CHECK(normal("1!2.0c3.rev4.dev05+Ubuntu_1-007") == "1!2.0rc3.post4.dev5+ubuntu.1.7");
    CHECK(normal("00001.0900") == "1.900");
    CHECK(normal("20230101123456789012345678901234567890.1") == "20230101123456789012345678901234567890.1");
}

TEST_CASE("what is no version is refused") {
    for (const std::string_view text :
         {"", "latest", "1..0", "1.0.", "1.*", "1 .0", "1.0+", "1.0++a", "1.0+_a", "1.0a 1", "v"}) {
        INFO(text);
        CHECK(normal(text) == "refused");
    }
}

TEST_CASE("versions are ordered by epoch, release, pre, post, dev and local part") {
    const std::vector<std::string> ascending = {"0.9",
                                                "1.0.dev1",
                                                "1.0a1.dev1",
                                                "1.0a1",
                                                "1.0a2",
                                                "1.0b1",
                                                "1.0rc1",
                                                "1.0",
                                                "1.0+a",
                                                "1.0+b",
                                                "1.0+1",
                                                "1.0+1.a",
                                                "1.0.post1.dev2",
                                                "1.0.post1",
                                                "1.1.dev1",
                                                "1.9999999",
                                                "1.100000000000000000000",
                                                "1!0.1"};
    for (std::size_t i = 0; i < ascending.size(); ++i) {
        for (std::size_t j = 0; j < ascending.size(); ++j) {
            INFO(ascending[i] << " and " << ascending[j]);
            CHECK((*Pep440Version::parse(ascending[i]) <=> *Pep440Version::parse(ascending[j])) == (i <=> j));
        }
    }
    CHECK(*Pep440Version::parse("1.0") == *Pep440Version::parse("1.0.0"));
}

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

TEST_CASE("versions agree with packaging's own answers") {
    const auto file = envbuild::test::shared_file("vectors/pep440_versions.json");
    if (!file) return;
    const auto vectors = envbuild::value_or_throw(envbuild::Json::parse(envbuild::read_file(*file)));
    for (const auto& [text, expected] : vectors["normalized"].as_object()) {
        INFO(text);
        CHECK(normal(text) == expected.as_string());
    }
    for (const auto& text : vectors["invalid"].as_array()) {
        INFO(text.as_string());
        CHECK(normal(text.as_string()) == "refused");
    }
    std::vector<Pep440Version> earlier;
    for (const auto& group : vectors["ascending_groups_of_equal"].as_array()) {
        std::vector<Pep440Version> equal;
        for (const auto& text : group.as_array()) equal.push_back(*Pep440Version::parse(text.as_string()));
        for (const auto& version : equal) {
            INFO(version.to_string());
            CHECK(version == equal.front());
            if (!earlier.empty()) CHECK(earlier.back() < version);
        }
        earlier.push_back(equal.front());
    }
}

TEST_CASE("specifiers of packaging's own tests are taken") {
    const auto file = envbuild::test::shared_file("vectors/pep440_specifiers.json");
    if (!file) return;
    const auto vectors = envbuild::value_or_throw(envbuild::Json::parse(envbuild::read_file(*file)));
    for (const auto& row : vectors["rows"].as_array()) {
        if (row.as_array()[0].as_string() == "===") continue;  // packaging takes it; it names no version
        INFO(row.as_array()[0].as_string());
        CHECK(SpecifierSet::parse(row.as_array()[0].as_string()).has_value());
    }
}
