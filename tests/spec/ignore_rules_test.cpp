#include "spec/ignore_rules.hpp"

#include <catch2/catch.hpp>

using envbuild::spec::IgnoreRules;

TEST_CASE("patterns of an ignore file") {
    const auto rules = IgnoreRules::parse("# note\n*.log\n!keep.log\n/dist\nbuild/\ndocs/**/out\na?c\n**/deep/x\n");
    const auto ignores = [&rules](std::string_view path) { return rules.ignores(path, false); };
    CHECK(ignores("a.log"));
    CHECK(ignores("sub/a.log"));
    CHECK_FALSE(ignores("keep.log"));
    CHECK(ignores("dist"));
    CHECK_FALSE(ignores("sub/dist"));
    CHECK_FALSE(ignores("build"));
    CHECK(rules.ignores("sub/build", true));
    CHECK(ignores("docs/out"));
    CHECK(ignores("docs/a/b/out"));
    CHECK_FALSE(ignores("docs/about"));
    CHECK(ignores("abc"));
    CHECK_FALSE(ignores("abbc"));
    CHECK(ignores("deep/x"));
    CHECK(ignores("a/b/deep/x"));
    CHECK_FALSE(ignores("adeep/x"));
}

TEST_CASE("what never counts, rules or not") {
    const IgnoreRules none;
    for (const std::string_view path : {".git", "pkg/__pycache__", "a/b.pyc", ".venv"}) CHECK(none.ignores(path, true));
    CHECK(none.ignores("x.egg-info", true));
    CHECK_FALSE(none.ignores("x.egg-info", false));
    CHECK_FALSE(none.ignores("src/x.py", false));
}

TEST_CASE("a pattern of many stars ends soon") {
    std::string pattern;
    for (int i = 0; i < 200; ++i) pattern += "*a";
    CHECK_FALSE(IgnoreRules::parse(pattern + "b").ignores(std::string(2000, 'a'), false));
}
