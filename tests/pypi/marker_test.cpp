#include "pypi/marker.hpp"

#include <catch2/catch.hpp>

using envbuild::pypi::Marker;
using envbuild::pypi::MarkerEnvironment;

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

namespace {

std::string verdict(std::string_view text, std::string_view extra = "") {
    const auto target = *MarkerEnvironment::cpython_on_linux("3.11.4", "x86_64");
    const auto holds = Marker::parse(text)->evaluate(target, extra);
    if (!holds) return "refused: " + holds.error().message();
    return *holds ? "yes" : "no";
}

}  // namespace

TEST_CASE("a marker is evaluated for the target") {
    CHECK(verdict("python_version < '3.12' and sys_platform == 'linux'") == "yes");
    CHECK(verdict("python_version >= '3.9'") == "yes");  // as versions: as texts '3.11' comes before '3.9'
    CHECK(verdict("'3.9' <= python_version") == "yes");
    CHECK(verdict("python_full_version ~= '3.11.2'") == "yes");
    CHECK(verdict("python_version == '3.*'") == "yes");
    CHECK(verdict("python_version in '3.10, 3.11'") == "yes");
    CHECK(verdict("'linux' not in sys_platform or platform_machine == 'aarch64'") == "no");
    CHECK(verdict("os_name == 'nt' or os_name == 'posix' and implementation_name == 'cpython'") == "yes");
    CHECK(verdict("platform_system == 'Linux' and platform_python_implementation == 'CPython'") == "yes");
    // The node's kernel is not known.
    CHECK(verdict("platform_release >= '5'") == "no");
    CHECK(verdict("platform_release < '5'") == "no");
    // Texts have no order.
    CHECK(verdict("sys_platform > 'a'") == "no");
    CHECK(verdict("sys_platform >= 'linux'") == "yes");
    CHECK(verdict("sys_platform ~= 'linux'") ==
          "refused: the marker compares 'sys_platform' ~= 'linux', which has no meaning");
    CHECK(verdict("'x' in extras") == "no");
    CHECK(verdict("extras == 'x'").starts_with("refused"));
}

TEST_CASE("extras compare by their normal form") {
    CHECK(verdict("extra == 'Foo_Bar'", "foo.bar") == "yes");
    CHECK(verdict("extra == 'test'") == "no");
    CHECK(verdict("extra != 'test'") == "yes");
    const auto target = *MarkerEnvironment::cpython_on_linux("3.11.4", "x86_64");
    const auto marker = *Marker::parse("extra == 'b' and python_version > '3'");
    CHECK(*marker.evaluate_any(target, {"a", "b"}));
    CHECK_FALSE(*marker.evaluate_any(target, {"a"}));
    CHECK_FALSE(*marker.evaluate_any(target, {}));
    CHECK(*Marker().evaluate(target));
}

TEST_CASE("a target's Python has a version") {
    CHECK(MarkerEnvironment::cpython_on_linux("3.13.0rc1", "aarch64")->python_version == "3.13");
    CHECK_FALSE(MarkerEnvironment::cpython_on_linux("3", "x86_64").has_value());
    CHECK_FALSE(MarkerEnvironment::cpython_on_linux("three", "x86_64").has_value());
}
