#include "base/glob.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace envbuild;

TEST_CASE("globs: a star is any text, a question mark one byte where it is asked for") {
    CHECK(glob_matches("", ""));
    CHECK(glob_matches("*", ""));
    CHECK(glob_matches("a*c*", "abcbcd"));
    CHECK(glob_matches("*-gpu", "torch-gpu-gpu"));
    CHECK_FALSE(glob_matches("a*c", "abcd"));
    CHECK_FALSE(glob_matches("abc", "ab"));
    CHECK_FALSE(glob_matches("a?c", "abc"));
    CHECK(glob_matches("a?c", "a?c"));
    CHECK(glob_matches("a?c*", "abc", GlobSigns::StarAndOne));
    CHECK_FALSE(glob_matches("a?", "a", GlobSigns::StarAndOne));
}

TEST_CASE("globs: many stars end") {
    std::string pattern;
    for (int i = 0; i < 200; ++i) pattern += "*a";
    CHECK_FALSE(glob_matches(pattern + "b", std::string(2000, 'a')));
}
