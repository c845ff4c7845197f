#include "conda/regex.hpp"

#include <catch2/catch.hpp>
#include <regex>

#include "conda/match_spec.hpp"

using envbuild::conda::Regex;

namespace {

bool matches(std::string_view pattern, std::string_view text) {
    return envbuild::value_or_throw(Regex::parse(pattern)).matches_start_of(text);
}

}  // namespace

TEST_CASE("regex: nested repetitions end, whatever the text") {
    const std::string text(1000, 'a');
    for (const auto* pattern : {"^(a*)*b$", "^(a+)+$b", "^(a|a)*b$", "^(a|aa)+b$", "^((a?){30}){30}b$", "^(.*)*(.*)*b$",
                                "^(?=(a*)*b)a$", "^(?:(?!(a+)+b)a)*c$"}) {
        INFO(pattern);
        CHECK_FALSE(matches(pattern, text));
    }
    // As a channel's record would bring it.
    const auto spec = envbuild::value_or_throw(envbuild::conda::MatchSpec::parse("numpy[build='^(a*)*b$']"));
    CHECK_FALSE(spec.to_string().empty());
}

TEST_CASE("regex: agrees with std::regex where that has an answer") {
    const std::vector<std::string> patterns = {
        "^py3.*$",       "^.*cuda.*$",     "^(py27|py3[0-9]+)_\\d+$",
        "^[a-c]+[^d]?$", "^a{2,3}$",       "^a{2}b{0,}c{1,}$",
        "^(a|b|)c$",     "^\\w+\\s\\W$",   "^a\\.b\\\\c$",
        "^a.b$",         "^(a(b(c)?)?)?$", "^[-a]+$",
        "^[a-]+$",       "^\\bfoo\\b.*$",  "^a\\Bb$",
        "^x*?y+?$",      "^(?!.*cpu).*$",  "^((?!cuda).)*$",
        "^(?=.*a).*b$",  "^[\\d_]+$",      "^[^\\d]+$",
        "^\\x41$",       "^a|b$",          "^()$",
    };
    const std::vector<std::string> texts = {
        "",      "a", "aa",   "aaa", "aaaa", "py39_0", "py310_12", "py27_x", "cuda11", "my_cuda_1", "cpu_0", "aabc",
        "aabbc", "c", "ac",   "bc",  "a b",  "ab !",   "a.b\\c",   "axb",    "ab",     "abc",       "foo",   "foo bar",
        "food",  "y", "xxyy", "-a-", "a-",   "12_3",   "A",        "b",      "ba",     "cab",       "xa\nb", "d",
    };
    for (const auto& pattern : patterns) {
        const std::regex reference(pattern);
        for (const auto& text : texts) {
            INFO(pattern << " on " << text);
            CHECK(matches(pattern, text) == std::regex_search(text, reference, std::regex_constants::match_continuous));
        }
    }
}

TEST_CASE("regex: Python's own spellings, and anchored at the start alone") {
    CHECK(matches("^(?P<x>ab)+\\Z", "abab"));
    CHECK_FALSE(matches("\\Aab\\Z", "abc"));
    CHECK(matches("ab", "abc"));
    CHECK_FALSE(matches("b", "ab"));
    CHECK(matches("^a{x}$", "a{x}"));
    CHECK(matches("^[]a]+$", "]a"));
    CHECK_FALSE(matches("^.*$", std::string(1025, 'a')));
}

TEST_CASE("regex: what is not one, or is not bounded, is refused with the reason") {
    for (const auto* bad :
         {"^(a$", "^a)$", "^[a$", "^(*a)$", "^a{3,2}$", "^(a)\\1$", "^(?<=a)b$", "^(?i)a$", "^[z-a]$", "^\\q$", "^a\\",
          "^a{2000}$", "^((a{100}){100}){100}$", "^(((){1000}){1000}){1000}$", "^[[:alpha:]]$"}) {
        INFO(bad);
        const auto refused = Regex::parse(bad);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().kind() == envbuild::ErrorKind::InvalidInput);
    }
    CHECK_FALSE(Regex::parse("^" + std::string(600, 'a') + "$"));
}
