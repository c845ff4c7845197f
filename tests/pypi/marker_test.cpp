#include "pypi/marker.hpp"

#include <catch2/catch.hpp>

#include "base/fs.hpp"
#include "base/json.hpp"
#include "support/shared_data.hpp"

using envbuild::pypi::Marker;

namespace {

std::string printed(std::string_view text) {
    const auto marker = Marker::parse(text);
    return marker ? marker->to_string() : "refused: " + marker.error().message();
}

}  // namespace

TEST_CASE("a marker has one spelling") {
    CHECK(printed("python_version<'3.8'") == "python_version < \"3.8\"");
    CHECK(printed(" ( python_version < '3.8' ) and(os_name=='posix')") ==
          "python_version < \"3.8\" and os_name == \"posix\"");
    CHECK(printed("os.name == 'posix' or python_implementation=='CPython'") ==
          "os_name == \"posix\" or platform_python_implementation == \"CPython\"");
    CHECK(printed("sys_platform not  in 'win32'") == "sys_platform not in \"win32\"");
    CHECK(printed("extra == 'Foo_Bar'") == "extra == \"foo-bar\"");
    CHECK(printed("os_name == 'a\"b'") == "os_name == 'a\"b'");
    CHECK(printed("'linux' in sys_platform") == "\"linux\" in sys_platform");
}

TEST_CASE("brackets stay where they change the meaning, and only there") {
    CHECK(printed("(os_name=='a' or os_name=='b') and os_name=='c'") ==
          "(os_name == \"a\" or os_name == \"b\") and os_name == \"c\"");
    CHECK(printed("os_name=='a' or (os_name=='b' and os_name=='c')") ==
          "os_name == \"a\" or os_name == \"b\" and os_name == \"c\"");
    CHECK(printed("((os_name=='a'))") == "os_name == \"a\"");
}

TEST_CASE("what is no marker is refused with the place") {
    CHECK(printed("pythn_version < '3'") ==
          "refused: the marker 'pythn_version < '3'' does not parse at character 1: 'pythn_version' is no marker "
          "variable; did you mean python_version?");
    for (const std::string_view text :
         {"", "python_version", "python_version <", "python_version < '3", "(os_name == 'a'", "os_name == 'a' and",
          "os_name = 'a'", "os_name == 'a' extra == 'b'", "os_name notin 'a'", "os_name == \"C:\\\""}) {
        INFO(text);
        CHECK(printed(text).starts_with("refused"));
    }
    CHECK(printed(std::string(5000, '(') + "os_name == 'a'").starts_with("refused"));
}

TEST_CASE("markers are taken and refused as packaging does") {
    const auto file = envbuild::test::shared_file("vectors/pep508_markers.json");
    if (!file) return;
    const auto vectors = envbuild::value_or_throw(envbuild::Json::parse(envbuild::read_file(*file)));
    for (const auto& row : vectors["rows"].as_array()) {
        INFO(row["marker"].as_string());
        CHECK(Marker::parse(row["marker"].as_string()).has_value() == row["ok"].as_bool());
    }
}
