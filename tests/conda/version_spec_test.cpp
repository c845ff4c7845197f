#include "conda/version_spec.hpp"

#include <catch2/catch.hpp>
#include <functional>
#include <map>
#include <random>

using namespace envbuild;
using conda::Version;
using conda::VersionSpec;

namespace {

VersionSpec spec(std::string_view text) {
    return value_or_throw(VersionSpec::parse(text));
}

bool matches(std::string_view text, std::string_view version) {
    return spec(text).matches(value_or_throw(Version::parse(version)));
}

}  // namespace

TEST_CASE("version specs take what conda's take") {
    CHECK(matches("==1.7", "1.7.0"));
    CHECK_FALSE(matches("1.7", "1.7.1"));
    CHECK(matches("=1.7", "1.7.1"));
    CHECK(matches("1.7*", "1.7.1"));
    CHECK(matches("1.7.*", "1.7a0"));
    CHECK(matches("!=1.7.*", "1.8"));
    CHECK_FALSE(matches("!=1.7.*", "1.7.9"));
    CHECK(matches(">=1.19,<2|2.1", "2.1"));
    CHECK_FALSE(matches(">=1.19,<2|2.1", "2.0"));
    CHECK(matches("(>=1|<0.5),!=1.5", "0.4"));
    CHECK_FALSE(matches("(>=1|<0.5),!=1.5", "1.5"));
    CHECK(matches("~=1.4.2", "1.4.9"));
    CHECK_FALSE(matches("~=1.4.2", "1.5"));
    CHECK(matches("1.*.3", "1.99.3"));
    CHECK(matches("^1\\.[0-9]+$", "1.25"));
    CHECK_FALSE(matches("^1\\.[0-9]+$", "1.25.1"));
    CHECK(matches("*", "0"));
    CHECK(matches(">=1.0.*", "1.0"));
    CHECK(VersionSpec().is_any());
    CHECK(spec("*|1.0").canonical() == "*");
}

TEST_CASE("version specs that conda refuses are refused with a reason") {
    struct Row {
        const char* text;
        const char* says;
    };
    const Row rows[] = {{"", "empty"},
                        {">=", "no version"},
                        {"=>1.65", "operator"},
                        {"><2", "operator"},
                        {"<>1", "operator"},
                        {"===3.3.2", "operator"},
                        {"1.2+", "'+'"},
                        {">=1.8,", "one side"},
                        {"|>3", "one side"},
                        {"(1.0", "parenthesis"},
                        {"1.5)", "')'"},
                        {"^1.5", "regular expression"},
                        {"^(1$", "regular expression"},
                        {"~=1.*", "'.*'"},
                        {"~=1", "two parts"},
                        {"1.0(2.0)", "missing"},
                        {"()", "no version"},
                        {">= 1.8", "operator"}};
    for (const Row& row : rows) {
        INFO(row.text);
        const auto parsed = VersionSpec::parse(row.text);
        REQUIRE_FALSE(parsed);
        CHECK(parsed.error().kind() == ErrorKind::InvalidInput);
        CHECK_THAT(parsed.error().message(), Catch::Contains(row.says));
    }
    CHECK_THAT(VersionSpec::parse("=>1.65").error().hint(), Catch::Contains(">=1.65"));
    CHECK_THAT(VersionSpec::parse("=<1.65").error().hint(), Catch::Contains("<=1.65"));
    CHECK_THAT(VersionSpec::parse("<>1").error().hint(), Catch::Contains("!=1"));
}

TEST_CASE("each meaning has one canonical spelling") {
    CHECK(spec("=1.19").canonical() == "1.19.*");
    CHECK(spec("1.19*").canonical() == "1.19.*");
    CHECK(spec("1.19").canonical() == "==1.19");
    CHECK(spec(" ==1.19 ").canonical() == "==1.19");
    CHECK(spec("<2,>=1").canonical() == spec(">=1 , <2,<2").canonical());
    CHECK(spec("2.1|>=1,<2").canonical() == spec("(<2,>=1)|==2.1").canonical());
    CHECK(spec("(1|2),<3").canonical() == "(==1|==2),<3");
    CHECK(spec("1.0-RC1").canonical() == "==1.0_rc1");
    CHECK(spec("==1.19").canonical() != spec("=1.19").canonical());
    CHECK(spec("1,2|3").canonical() != spec("1,(2|3)").canonical());
    CHECK(spec("==1.2").exact() == "1.2");
    CHECK_FALSE(spec("1.2.*").exact());
}

TEST_CASE("canonical version specs are fixpoints and mean the same") {
    std::mt19937 random(7);
    const auto pick = [&](std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(random); };
    const std::vector<std::string> versions = {"0",     "1",       "1.0",   "1.0.0",  "1.2",   "1.2.3",
                                               "1.2.*", "1.2*",    "1.0a1", "2.0rc1", "1!1.0", "1.0-1",
                                               "1.0_1", "1.2.3+4", "*.1",   "1.*.*",  "2",     "1.0*"};
    const std::vector<std::string> operators = {"", "", "=", "==", "!=", "<", "<=", ">", ">=", "~="};
    const std::function<std::string(int)> make = [&](int depth) -> std::string {
        if (depth == 0 || pick(3) == 0) return operators[pick(operators.size())] + versions[pick(versions.size())];
        std::string out;
        for (std::size_t i = 0, n = 1 + pick(3); i < n; ++i) {
            if (i > 0) out += pick(2) == 0 ? "," : " | ";
            const std::string part = make(depth - 1);
            out += pick(2) == 0 ? "(" + part + ")" : part;
        }
        return out;
    };
    std::vector<Version> probes;
    for (const auto* text :
         {"0",     "0.5",     "1",         "1.0a0", "1.0a1",  "1.0", "1.0.1", "1.0_1", "1.2",   "1.2a",
          "1.2.3", "1.2.3+4", "1.2.3+4.5", "1.9",   "2.0rc1", "2.0", "2.0.1", "3",     "1!1.0", "1!1.2"}) {
        probes.push_back(value_or_throw(Version::parse(text)));
    }
    std::map<std::string, std::vector<bool>> meanings;
    int parsed_count = 0;
    for (int i = 0; i < 20000; ++i) {
        const std::string text = make(2);
        const auto parsed = VersionSpec::parse(text);
        if (!parsed) continue;
        ++parsed_count;
        const std::string canonical = parsed->canonical();
        const auto again = VersionSpec::parse(canonical);
        INFO(text << " -> " << canonical);
        REQUIRE(again);
        REQUIRE(again->canonical() == canonical);
        std::vector<bool> meaning;
        for (const Version& probe : probes) meaning.push_back(parsed->matches(probe));
        const auto [place, is_new] = meanings.emplace(canonical, meaning);
        REQUIRE(place->second == meaning);
        for (std::size_t p = 0; p < probes.size(); ++p) REQUIRE(again->matches(probes[p]) == meaning[p]);
    }
    CHECK(parsed_count > 10000);
}

TEST_CASE("a version spec of very many parts takes no more than their number") {
    // With a copy of what was there for each part, this would not end.
    for (const char between : {'|', ','}) {
        std::string text = "1";
        for (int i = 0; i < 100000; ++i) text.append(1, between).append("1");
        CHECK(matches(text, "1"));
        CHECK_FALSE(matches(text, "2"));
    }
    CHECK(spec("1|2|(3|4)|5,6|7").canonical() == spec("(((1|2)|3)|4)|(5,6)|7").canonical());
}
