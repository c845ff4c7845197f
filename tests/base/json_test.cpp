#include "base/json.hpp"

#include <catch2/catch.hpp>

using envbuild::ErrorKind;
using envbuild::Json;

namespace {
Json parse(std::string_view text) {
    return envbuild::value_or_throw(Json::parse(text));
}
}  // namespace

TEST_CASE("json: the canonical form follows RFC 8785's own example") {
    const auto value = parse(R"({"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],
        "string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]})");
    CHECK(value.canonical() ==
          "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],"
          "\"string\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}");
}

TEST_CASE("json: members are sorted by UTF-16 code units, not by bytes") {
    // U+10000 is D800 DC00 in UTF-16, before U+E000; its UTF-8 bytes come after.
    const auto value = parse("{\"\xEE\x80\x80\":1,\"\xF0\x90\x80\x80\":2,\"a\":3}");
    CHECK(value.canonical() == "{\"a\":3,\"\xF0\x90\x80\x80\":2,\"\xEE\x80\x80\":1}");
}

TEST_CASE("json: equal values have equal canonical bytes, others do not") {
    CHECK(parse(R"({"b":1,"a":[1,2]})").canonical() == parse(" {\n\"a\": [1, 2], \"b\": 1}").canonical());
    CHECK(parse(R"(["ab","c"])").canonical() != parse(R"(["a","bc"])").canonical());
    CHECK(parse(R"(["1"])").canonical() != parse("[1]").canonical());
}

TEST_CASE("json: a repeated member keeps its last value") {
    const auto value = parse(R"({"a":1,"b":2,"a":3})");
    REQUIRE(value.as_object().size() == 2);
    CHECK(value["a"].as_int() == 3);
}

TEST_CASE("json: what is not JSON is refused") {
    for (const auto* text : {"", "{", "[1,]", "{\"a\":}", "nul", "\"\\ud800\"", "{\"a\":1}x", "'a'", "\xff"}) {
        INFO(text);
        const auto value = Json::parse(text);
        REQUIRE_FALSE(value);
        CHECK(value.error().kind() == ErrorKind::Corrupt);
    }
    std::string deep(5000, '[');
    CHECK_FALSE(Json::parse(deep + std::string(5000, ']')));
}

TEST_CASE("json: access never guesses") {
    const auto value = parse(R"({"n":1,"s":"x","f":1.5})");
    CHECK(value["missing"].is_null());
    CHECK(value.string_or("n", "fallback") == "fallback");
    CHECK(value.int_or("n", 7) == 1);
    CHECK_THROWS_AS(value["s"].as_int(), envbuild::Error);
    CHECK(value["n"].as_double() == 1.0);
}

TEST_CASE("json: dump keeps the order of members and can be read back") {
    Json value = Json::object();
    value.set("z", 1).set("a", Json::array().push("x").push(nullptr)).set("z", 2);
    CHECK(value.dump() == R"({"z":2,"a":["x",null]})");
    CHECK(value.dump(2) == "{\n  \"z\": 2,\n  \"a\": [\n    \"x\",\n    null\n  ]\n}");
    CHECK(parse(value.dump(4)) == value);
}

TEST_CASE("json: canonical numbers are ECMAScript's, also beyond 2^53") {
    const std::pair<double, const char*> numbers[] = {
        {295147905179352830000.0, "295147905179352830000"},
        {9007199254740994.0, "9007199254740994"},
        {123456789012345680000.0, "123456789012345680000"},
        {-1e20, "-100000000000000000000"},
        {1e21, "1e+21"},
        {9.999999999999997e22, "9.999999999999997e+22"},
        {333333333.33333329, "333333333.3333333"},
        {0.000001, "0.000001"},
        {1e-7, "1e-7"},
        {-1.5e-9, "-1.5e-9"},
        {4.5, "4.5"},
        {-0.0, "0"},
        {100, "100"},
        {5e-324, "5e-324"},
        {1.7976931348623157e308, "1.7976931348623157e+308"},
    };
    for (const auto& [value, text] : numbers) CHECK(Json(value).canonical() == text);
}

TEST_CASE("json: an integer that RFC 8785 cannot tell from its neighbours has no canonical form") {
    const std::int64_t exact = std::int64_t{1} << 53;
    CHECK(Json(exact).canonical() == "9007199254740992");
    CHECK(Json(-exact).canonical() == "-9007199254740992");
    CHECK_THROWS_AS(Json(exact + 1).canonical(), envbuild::Error);
    CHECK_THROWS_AS(Json::object().set("a", Json(-exact - 1)).canonical(), envbuild::Error);
    CHECK(Json(exact + 1).dump() == "9007199254740993");
}
