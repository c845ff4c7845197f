#include "spec/yaml.hpp"

#include <catch2/catch.hpp>
#include <fstream>

#include "base/fs.hpp"

using namespace envbuild;
using namespace envbuild::spec;
using Catch::Matchers::Contains;

namespace {

YamlNode parsed(std::string_view text) {
    return value_or_throw(parse_yaml(text, "f.yml"));
}

std::string refusal(std::string_view text, const YamlLimits& limits = {}) {
    const auto node = parse_yaml(text, "f.yml", limits);
    return node ? "taken" : node.error().to_string();
}

}  // namespace

TEST_CASE("scalars stay as they were written") {
    const auto root = parsed(
        "a: 3.10\nb: '3.10'\nc: 1e3\nd: yes\ne: 0x1F\nf: ~\ng:\nh: \"\"\ni: on\nj: 1_000\nk: 2020-01-01\nl: .5\n");
    using enum YamlNode::ScalarType;
    CHECK(root.find("a")->text() == "3.10");
    CHECK(root.find("a")->scalar_type() == Float);
    CHECK(root.find("b")->scalar_type() == String);
    CHECK(root.find("b")->quoted());
    CHECK(root.find("c")->scalar_type() == String);  // no point: PyYAML takes it for text too
    CHECK(root.find("d")->as_bool("d"));
    CHECK(root.find("e")->scalar_type() == Int);
    CHECK(root.find("f")->is_null());
    CHECK(root.find("g")->is_null());
    CHECK(root.find("h")->is_scalar());
    CHECK(root.find("i")->scalar_type() == Bool);
    CHECK(root.find("j")->as_int("j") == 1000);
    CHECK(root.find("k")->scalar_type() == String);
    CHECK(root.find("l")->scalar_type() == Float);
    CHECK(root.find("zzz") == nullptr);
    CHECK(root.members().front().key.text() == "a");
}

TEST_CASE("every node knows its place") {
    const auto root =
        parsed("name: x\ndependencies:\n  - \xC3\xA9: 'two'\n  -\n  - # nothing\n  - last\nempty:\n\nend: 1\n");
    const auto& items = root.find("dependencies")->items();
    CHECK(items[0].find("\xC3\xA9")->place() == SourcePlace{"f.yml", 3, 8});
    CHECK(items[1].line() == 4);
    CHECK(items[1].column() == 3);
    CHECK(items[2].line() == 5);
    CHECK(items[3].place() == SourcePlace{"f.yml", 6, 5});
    CHECK(root.find("empty")->line() == 7);
    CHECK(items[3].error_at("odd").to_string() == "f.yml:6:5: odd\n    - last\n      ^");
    CHECK(items[0].find("\xC3\xA9")->diagnostic(Diagnostic::Severity::Error, "odd", "", 1).place.column == 10);
}

TEST_CASE("typed access says what was expected where") {
    const auto root = parsed("list: [1, two]\nmap: {a: 1}\ntext: hello\n");
    CHECK(root.find("list")->as_strings("list") == std::vector<std::string>{"1", "two"});
    CHECK(root.find("text")->as_strings("text") == std::vector<std::string>{"hello"});
    CHECK(root.string_or("nope", "else") == "else");
    CHECK_THROWS_WITH(root.find("text")->as_int("text"), "f.yml:3:7: text is a text and should be a whole number");
    CHECK_THROWS_WITH(root.find("map")->as_string("map"), Contains("map is a mapping and should be a text"));
    CHECK_THROWS_WITH(root.find("list")->as_mapping("list"),
                      "f.yml:1:7: list is a list and should be a mapping (key: value)");
    CHECK_THROWS_WITH(root.find("text")->as_sequence("text"), Contains("should be a list"));
    CHECK_THROWS_WITH(root.find("text")->as_bool("text"), Contains("should be true or false"));
}

TEST_CASE("anchors, aliases and merge keys") {
    const auto root =
        parsed("base: &b {x: 1, y: 2}\nuse: *b\nmore:\n  <<: *b\n  y: 3\n  z: 4\nmany:\n  <<: [*b, {w: 9, x: 8}]\n");
    CHECK(root.find("use")->find("x")->text() == "1");
    CHECK(root.find("more")->find("y")->text() == "3");
    CHECK(root.find("more")->find("x")->text() == "1");
    CHECK(root.find("many")->find("x")->text() == "1");
    CHECK(root.find("many")->find("w")->text() == "9");
    CHECK_THAT(refusal("a: 1\n<<: 3\n"), Contains("'<<' merges a mapping"));
}

TEST_CASE("many keys are looked up at once") {
    std::string text;
    for (int i = 0; i < 16'000; ++i) text += "key" + std::to_string(i) + ": " + std::to_string(i) + "\n";
    const auto root = parsed(text);
    for (int i = 0; i < 16'000; ++i) REQUIRE(root.find("key" + std::to_string(i))->text() == std::to_string(i));
}

TEST_CASE("a key given twice is refused, also between a plain and a quoted spelling") {
    CHECK_THAT(refusal("a: 1\nb: 2\na: 3\n"), Contains("f.yml:3:1: the key 'a' is given twice; first on line 1"));
    CHECK_THAT(refusal("{a: 1, 'a': 2}"), Contains("is given twice"));
}

TEST_CASE("an alias bomb is stopped at the node budget") {
    std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n";
    for (int i = 1; i < 12; ++i) {
        const std::string before = "*a" + std::to_string(i - 1);
        text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
        for (int k = 0; k < 9; ++k) text += (k > 0 ? ", " : "") + before;
        text += "]\n";
    }
    CHECK_THAT(refusal(text), Contains("the file has more than 200000 nodes"));
}

TEST_CASE("an alias bomb of few nodes with long texts is stopped too") {
    std::string aliases = "a: &a '" + std::string(1 << 20, 'x') + "'\nb: [*a";
    for (int i = 0; i < 6000; ++i) aliases += ", *a";
    CHECK_THAT(refusal(aliases + "]\n"), Contains("more than 17 MB of text, aliases counted each time"));

    std::string anchors = "a: ";
    for (int i = 0; i < 60; ++i) anchors += "&n" + std::to_string(i) + " [";
    CHECK_THAT(refusal(anchors + "'" + std::string(1 << 20, 'x') + "'" + std::string(60, ']') + "\n"),
               Contains("names more nodes with anchors than it may hold"));

    const std::string once = "a: &a '" + std::string(1 << 20, 'x') + "'\nb: [*a, *a]\n";
    CHECK(refusal(once) == "taken");
}

TEST_CASE("an alias to what it stands in is refused") {
    CHECK_THAT(refusal("a: &a [1, *a]\n"), Contains("f.yml:1:11: the alias stands inside what it names"));
    CHECK_THAT(refusal("a: &a {b: *a}\n"), Contains("the alias stands inside what it names"));
    CHECK_THAT(refusal("a: *nope\n"), Contains("this is not YAML"));
}

TEST_CASE("depth is capped, through aliases too") {
    CHECK_THAT(refusal(std::string(100, '[') + std::string(100, ']')), Contains("nested deeper than 64 levels"));
    CHECK_THAT(refusal(std::string(100'000, '[')), Contains("nested deeper than 64 levels"));
    CHECK_THAT(refusal("a: &a [[[[1]]]]\nb: [[[[*a]]]]\n", {1 << 20, 1000, 8}),
               Contains("nested deeper than 8 levels"));
    CHECK(refusal("a: &a [[[1]]]\nb: [[*a]]\n", {1 << 20, 1000, 8}) == "taken");
}

TEST_CASE("one document a file") {
    CHECK(parsed("---\na: 1\n").find("a")->text() == "1");
    CHECK(parsed("a: 1\n...\n").find("a")->text() == "1");
    CHECK_THAT(refusal("a: 1\n---\nb: 2\n"), Contains("a second document begins here"));
    CHECK(parsed("").is_null());
    CHECK(parsed("# only a comment\n").is_null());
}

TEST_CASE("tags: the core ones mean what they say, others are refused") {
    CHECK(parsed("a: !!str 3.10\n").find("a")->scalar_type() == YamlNode::ScalarType::String);
    CHECK(parsed("a: !!int '3'\n").find("a")->as_int("a") == 3);
    CHECK(parsed("a: !!map {b: 1}\n").find("a")->is_mapping());
    CHECK_THAT(refusal("a: !!python/unicode 'x'\n"),
               Contains("f.yml:1:4: the tag !!python/unicode makes a language's own object"));
    CHECK_THAT(refusal("!!python/object:os.system [x]\n"), Contains("makes a language's own object"));
}

TEST_CASE("encodings and line ends") {
    const std::string want = "na\xC3\xAFve";
    const auto name = [](std::string_view bytes) { return parsed(bytes).find("name")->text(); };
    CHECK(name("name: na\xC3\xAFve\n") == want);
    CHECK(name("\xEF\xBB\xBFname: na\xC3\xAFve\r\nb: 1\r\n") == want);
    CHECK(name("name: na\xC3\xAFve\rb: 1\r") == want);
    std::string little = "\xFF\xFE";
    std::string bare;
    std::string big = "\xFE\xFF";
    for (const char16_t unit : std::u16string_view(u"name: na\u00EFve\r\n")) {
        little += {static_cast<char>(unit & 0xFF), static_cast<char>(unit >> 8)};
        bare += {static_cast<char>(unit & 0xFF), static_cast<char>(unit >> 8)};
        big += {static_cast<char>(unit >> 8), static_cast<char>(unit & 0xFF)};
    }
    CHECK(name(little) == want);
    CHECK(name(bare) == want);
    CHECK(name(big) == want);
    CHECK_THAT(refusal("a: 1\nb: caf\xE9\n"), Contains("f.yml:2: the line holds bytes that are not UTF-8"));
    CHECK_THAT(refusal(std::string("a: 1\nb\0", 7)), Contains("f.yml:2: the line holds a NUL byte"));
    CHECK_THAT(refusal("a: \x01\n"), Contains("f.yml:1: the line holds the control character 0x01"));
    CHECK_THAT(refusal(std::string("\xFF\xFE\x00\xD8", 4)), Contains("not valid in it"));
}

TEST_CASE("tabs: refused in indentation, harmless elsewhere") {
    CHECK_THAT(refusal("a:\n\t- b\n"), Contains("f.yml:2:1: a tab in the indentation"));
    CHECK_THAT(refusal("a:\n  \tb: 1\n"), Contains("a tab in the indentation"));
    CHECK(parsed("a:\t1\t\nb: x\t# note\n\t\nc: 2\n").find("a")->text() == "1");
    CHECK(parsed("a: |\n  x\n  \ty\nb: 1\n").find("a")->text() == "x\n\ty\n");
}

TEST_CASE("invisible spaces are named") {
    CHECK_THAT(refusal("a:\n  -\xC2\xA0"
                       "b\n"),
               Contains("f.yml:2:4: a no-break space (U+00A0)"));
    CHECK_THAT(refusal("a:\n\xE3\x80\x80- b\n"), Contains("an ideographic space"));
}

TEST_CASE("what goes wrong most gets a hint") {
    CHECK_THAT(refusal("a: 1\n<<<<<<< HEAD\nb: 2\n=======\nb: 3\n>>>>>>> main\n"),
               Contains("f.yml:2:1: a merge conflict was left in the file"));
    CHECK_THAT(refusal("a: 1\n{% if x %}\nb: 2\n{% endif %}\n"),
               Contains("line 2 holds '{%': this looks like a template that was never rendered"));
    CHECK_THAT(refusal("a: {{ version }}\n"), Contains("never rendered"));
    CHECK_THAT(refusal("a: b: c\n"), Contains("check the indentation"));
    CHECK_THAT(refusal("a: 'x\n"), Contains("f.yml:1:4: the quote is not closed"));
    CHECK_THAT(refusal("a: \"x\\\"\n"), Contains("the quote is not closed"));
    CHECK(parsed("a: 'it''s'\nb: \"q\\\"\"\n").find("a")->text() == "it's");
    CHECK_THAT(refusal("? [a]\n: b\n"), Contains("a key is text, not a list"));
}

TEST_CASE("a secret in a line is not repeated by its error") {
    CHECK(refusal("- https://u:hunter2@h/x\n- b: c: d https://u:hunter2@h\n").find("hunter2") == std::string::npos);
}

TEST_CASE("files that cannot be read") {
    const TempDir folder("yaml");
    CHECK_THROWS_AS(read_yaml(folder.path() / "gone.yml"), Error);
    CHECK_THROWS_WITH(read_yaml(folder.path()), Contains("directory") || Contains("folder"));
    {
        std::ofstream big(folder.path() / "big.yml");
        big.seekp(100'000'000);
        big << "x";
    }
    try {
        static_cast<void>(read_yaml(folder.path() / "big.yml"));
        FAIL("a file of 100 MB was read");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::InvalidInput);
    }
    CHECK_THAT(refusal("a: 1234567890\n", {10, 10, 10}), Contains("the limit is 10 B"));
}

TEST_CASE("YAML as JSON") {
    CHECK(
        yaml_to_json(parsed("a: 1\nb: '1'\nc: [true, null, 1.5, x]\nd: {e: 0x10}\nf: 99999999999999999999\n")).dump() ==
        R"({"a":1,"b":"1","c":[true,null,1.5,"x"],"d":{"e":"0x10"},"f":"99999999999999999999"})");
}
