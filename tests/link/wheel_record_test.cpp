#include "link/wheel_record.hpp"

#include <catch2/catch.hpp>

#include "link/wheel_info.hpp"
#include "link/wheel_name.hpp"

using namespace envbuild;
using namespace envbuild::link;

namespace {

const std::string kEmpty = "sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";

std::string refusal(std::string_view text) {
    const auto rows = parse_record(text);
    return rows ? "taken" : rows.error().message();
}

template <class T>
std::string message(const Expected<T>& result) {
    return result ? "taken" : result.error().message();
}

}  // namespace

TEST_CASE("RECORD is CSV: quotes, both line ends, absent fields") {
    const auto rows = parse_record("a.py," + kEmpty + ",0\r\n\"b,\"\"c\"\".py\"," + kEmpty +
                                   ",\nd.py\r\n\r\nx/RECORD,,\ne.py,,,more");
    REQUIRE(rows);
    REQUIRE(rows->size() == 5);
    CHECK((*rows)[0] == RecordRow{"a.py", sha256(""), 0});
    CHECK((*rows)[1] == RecordRow{"b,\"c\".py", sha256(""), {}});
    CHECK((*rows)[2] == RecordRow{"d.py", {}, {}});
    CHECK((*rows)[3].path == "x/RECORD");
    CHECK((*rows)[4].path == "e.py");
    CHECK(parse_record("")->empty());
    // As hash functions' libraries pad it, and a line that comes twice with the same words.
    CHECK(parse_record("a," + kEmpty + "=,0\na," + kEmpty + ",0\n")->size() == 1);
}

TEST_CASE("what is no RECORD is refused") {
    CHECK(refusal("\"a") == "RECORD has a quote that does not end");
    CHECK(refusal("\"a\"b,,") == "RECORD has text behind a quote");
    CHECK(refusal(",,\n") == "RECORD has a line without a path");
    CHECK(refusal("a,md5=abc,1") == "RECORD gives 'a' another hash than sha256: md5");
    CHECK(refusal("a,sha256=abc,1") == "RECORD gives 'a' a sha256 that is none");
    CHECK(refusal("a,sha256=!!,1") == "RECORD gives 'a' a sha256 that is none");
    CHECK(refusal("a," + kEmpty + ",-1") == "RECORD gives 'a' a size that is no number");
    CHECK(refusal("a," + kEmpty + ",99999999999999999999") == "RECORD gives 'a' a size that is no number");
    CHECK(refusal("a," + kEmpty + ",1\na," + kEmpty + ",2\n") == "RECORD names 'a' twice, and differently");
    CHECK(refusal("\xff,,") == "RECORD is not UTF-8");
    CHECK(refusal("a" + std::string(40, ',')) == "RECORD has a line of too many fields");
}

TEST_CASE("RECORD is written sorted, and comes back") {
    const std::vector<RecordRow> rows{{"b,\"c\"", sha256(""), 0}, {"../../bin/x", sha256("y"), 1}, {"a", {}, {}}};
    const std::string text = record_text(rows);
    CHECK(text ==
          "../../bin/x,sha256=ofzkNjhU_4iM_0uOeHXWAMJoI5BBKoz3mzfQsRFIsPo,1\na,,\n\"b,\"\"c\"\"\"," + kEmpty + ",0\n");
    auto back = *parse_record(text);
    CHECK(back == std::vector<RecordRow>{rows[1], rows[2], rows[0]});
}

TEST_CASE("names of wheels and of projects") {
    const auto name = WheelName::parse("Foo.Bar_baz-1.0+cu118-1abc-cp311-cp311-manylinux_2_17_x86_64.whl");
    REQUIRE(name);
    CHECK(name->project == "foo-bar-baz");
    CHECK(name->version == "1.0+cu118");
    for (const char* wrong : {"", ".whl", "foo-1.0.tar.gz", "foo-1.0-py3-none.whl", "a-1-x-py3-none-any.whl",
                              "foo--py3-none-any.whl", "a-b-1-py3-none-any-x.whl"}) {
        INFO(wrong);
        CHECK_FALSE(WheelName::parse(wrong));
    }
    CHECK(normalized_project("A__b--C..d") == "a-b-c-d");
    CHECK(project_of_metadata("Foo_Bar-1.0.dist-info") == "foo-bar");
    CHECK(project_of_metadata("six-1.16.0-py3.11.egg-info") == "six");
    CHECK(project_of_metadata("six.egg-info") == "six");
    CHECK(project_of_metadata("six").empty());
}

TEST_CASE("versions are the same in every spelling") {
    const std::pair<const char*, const char*> same[] = {{"1.0+cu118", "1.0_cu118"},
                                                        {"2020.01.05", "2020.1.5"},
                                                        {"1.0beta1", "1.0b1"},
                                                        {"1.0-rc.1", "1rc1"},
                                                        {"v1.0", "1"},
                                                        {"1.0.POST1", "1.0-post1"},
                                                        {"1.0-1", "1.0.post1"}};
    for (const auto& [a, b] : same) {
        INFO(a << " " << b);
        CHECK(same_version(a, b));
    }
    const std::pair<const char*, const char*> other[] = {{"1.0", "1.1"},           {"1.10", "1.1"},
                                                         {"1.0", "1.0.post1"},     {"1.0a1", "1.0b1"},
                                                         {"1.0+cu118", "1.0+cpu"}, {"0", "1"}};
    for (const auto& [a, b] : other) {
        INFO(a << " " << b);
        CHECK_FALSE(same_version(a, b));
    }
}

TEST_CASE("WHEEL says its version and what its root is") {
    CHECK(check_wheel_file("Wheel-Version: 1.0\nRoot-Is-Purelib: true\n"));
    CHECK(check_wheel_file("wheel-version: 1.9\r\nRoot-Is-Purelib: False\r\n"));
    CHECK(check_wheel_file("Wheel-Version: 1.0\n"));
    CHECK(message(check_wheel_file("")) == "WHEEL has no Wheel-Version");
    CHECK(message(check_wheel_file("\nWheel-Version: 1.0\n")) == "WHEEL has no Wheel-Version");
    CHECK(message(check_wheel_file("Wheel-Version: 2.0\n")) == "it is of wheel version 2.0, and 1.x is known");
    CHECK(message(check_wheel_file("Wheel-Version: 10.0\n")) == "it is of wheel version 10.0, and 1.x is known");
    CHECK(message(check_wheel_file("Wheel-Version: 1.\n")) == "it is of wheel version 1., and 1.x is known");
    CHECK(message(check_wheel_file("Wheel-Version: 1.0\nRoot-Is-Purelib: perhaps\n")) ==
          "WHEEL has a Root-Is-Purelib that is neither true nor false");
    CHECK(message(check_wheel_file("Wheel-Version: 1.0\nWheel-Version: 1.0\n")) ==
          "WHEEL has several lines 'Wheel-Version'");
}

TEST_CASE("METADATA names project and version before its description") {
    const auto names = parse_project_names("Metadata-Version: 2.1\nNAME: Foo \nVersion:1.0\r\n\r\nName: no\n");
    REQUIRE(names);
    CHECK(names->name == "Foo");
    CHECK(names->version == "1.0");
    CHECK(message(parse_project_names("Name: x\n\nVersion: 1\n")) == "METADATA has no Version");
    CHECK(message(parse_project_names("Name: \nVersion: 1\n")) == "METADATA has no Name");
    CHECK(message(parse_project_names("Name: x\nName: y\nVersion: 1\n")) == "METADATA has several lines 'Name'");
}

TEST_CASE("entry points of both kinds of scripts, and of nothing else") {
    const auto points = parse_entry_points(
        "# comment\n[other]\nnonsense\n\n[console_scripts]\n a = m.n:f.g [extra,more]\r\nb=m:h\n; comment\n"
        "[gui_scripts]\nc = m:main\nb=m:h\n");
    REQUIRE(points);
    REQUIRE(points->size() == 3);
    CHECK((*points)[0] == conda::EntryPoint{"a", "m.n", "f.g"});
    CHECK((*points)[2].command == "c");
    CHECK(message(parse_entry_points("[console_scripts]\na = m:f\na = m:g\n")) ==
          "entry_points.txt: a stands for two things");
    for (const char* wrong : {"a", "a = m", "../a = m:f", "a/b = m:f", "a = m:f()", "a = import os:x"}) {
        INFO(wrong);
        CHECK_FALSE(parse_entry_points(std::string("[console_scripts]\n") + wrong));
    }
}
