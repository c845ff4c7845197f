#include "spec/json_fault.hpp"

#include <catch2/catch.hpp>

#include "base/json.hpp"

using namespace envbuild;
using namespace envbuild::spec;
using Catch::Matchers::Contains;

namespace {

std::string fault(std::string_view text) {
    const auto found = find_json_fault(text);
    CHECK(found.has_value() == !Json::parse(text).has_value());
    return found ? std::to_string(found->line) + ":" + std::to_string(found->column) + ": " + found->message : "";
}

}  // namespace

TEST_CASE("JSON: the first slip has its place") {
    CHECK(fault("{\"a\": 1,}") == "1:9: no comma stands before a closing brace");
    CHECK(fault("{\"a\": 1\n \"b\": 2}") == "2:2: a comma or '}' is missing");
    CHECK(fault("[1, 2\n") == "1:1: what is opened here is never closed: ']' is missing");
    CHECK(fault("{\"a\": {\"b\": 1}\n") == "1:1: what is opened here is never closed: '}' is missing");
    CHECK(fault("{a: 1}") == "1:2: keys stand in double quotes");
    CHECK(fault("{\"a\" 1}") == "1:6: a ':' is missing behind the key");
    CHECK(fault("{\"a\": 'x'}") == "1:7: texts stand in double quotes");
    CHECK(fault("{\"a\": }") == "1:7: a value is missing");
    CHECK(fault("{ // note\n}") == "1:3: JSON has no comments");
    CHECK(fault("{\"a\": \"b") == "1:7: the text that begins here has no closing quote");
    CHECK(fault("{\"a\": \"b\nc\"}") == "1:9: a text ends on its line; a line end is \\n");
    CHECK(fault("{\"a\": \"C:\\x\"}") == "1:10: a backslash is written \\\\");
    CHECK_THAT(fault("{\"a\": 01}"), Contains("1:7: this is no value"));
    CHECK_THAT(fault("{\"a\": True}"), Contains("1:7: this is no value"));
    CHECK(fault("{} {}") == "1:4: something stands behind the end");
}

TEST_CASE("JSON: what is JSON has no slip") {
    for (const auto* text :
         {"{}", "[]", " [1, -2.5e+3, 0, true, false, null, \"\\u00e9\\n\"] ", "{\"a\": {\"b\": [{}]}}", "\"x\""})
        CHECK(fault(text).empty());
}
