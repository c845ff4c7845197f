#include <catch2/catch.hpp>

#include "build/key_diff.hpp"

using namespace envbuild;
using namespace envbuild::build;

namespace {

std::vector<KeyDifference> diff(const char* before, const char* after) {
    return key_differences(value_or_throw(Json::parse(before)), value_or_throw(Json::parse(after)));
}

}  // namespace

TEST_CASE("equal keys have no differences") {
    CHECK(diff(R"({"a":1,"b":["x","y"]})", R"({"b":["y","x"],"a":1})").empty());
}

TEST_CASE("sets differ by element, lists whose order counts as a whole") {
    CHECK(diff(R"({"conda":["numpy 1.19.*","pip"]})", R"({"conda":["pip","numpy 1.20.*"]})") ==
          std::vector<KeyDifference>{{"conda", "numpy 1.19.*", ""}, {"conda", "", "numpy 1.20.*"}});
    CHECK(diff(R"({"channels":["a","b"]})", R"({"channels":["b","a"]})") ==
          std::vector<KeyDifference>{{"channels", R"(["a","b"])", R"(["b","a"])"}});
}

TEST_CASE("objects differ by member, absent ones too") {
    CHECK(diff(R"({"variables":{"A":"1"},"base":"x"})", R"({"variables":{"A":"2","B":"3"}})") ==
          std::vector<KeyDifference>{{"base", "x", ""}, {"variables.A", "1", "2"}, {"variables.B", "", "3"}});
    CHECK(diff(R"({})", R"({"gpu":{"wanted":true}})") == std::vector<KeyDifference>{{"gpu.wanted", "", "true"}});
}

TEST_CASE("packages of locks differ by name") {
    CHECK(diff(R"({"conda":[{"name":"a","version":"1","build":"0"},{"name":"b","version":"1","build":"0"}]})",
               R"({"conda":[{"name":"a","version":"2","build":"0"}]})") ==
          std::vector<KeyDifference>{{"conda", "a 1 0", "a 2 0"}, {"conda", "b 1 0", ""}});
    CHECK(diff(R"({"conda":[{"name":"a","version":"1","build":"0","sha256":"x"}]})",
               R"({"conda":[{"name":"a","version":"1","build":"0","sha256":"y"}]})") ==
          std::vector<KeyDifference>{{"conda.a.sha256", "x", "y"}});
}
