#include "pypi/file_name.hpp"

#include <catch2/catch.hpp>

using namespace envbuild::pypi;

namespace {

std::string why_not(std::string_view file_name) {
    const auto wheel = WheelName::parse(file_name);
    return wheel ? "taken" : wheel.error().message();
}

}  // namespace

TEST_CASE("a wheel's name says name, version, build and tags") {
    const auto wheel =
        *WheelName::parse("Foo_Bar.baz-1.0.post1+cu118-3a-cp311-cp311-manylinux_2_17_X86_64.manylinux2014_x86_64.whl");
    CHECK(wheel.name == "foo-bar-baz");
    CHECK(wheel.version.to_string() == "1.0.post1+cu118");
    CHECK(wheel.build.number == 3);
    CHECK(wheel.build.rest == "a");
    CHECK(wheel.tag() == "cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64");
    CHECK_FALSE(WheelName::parse("six-1.16.0-py2.py3-none-any.whl")->build.present);
}

TEST_CASE("a wheel's rank is that of its best tag") {
    const TagSet tags(*TagTarget::of("3.11", "x86_64", "2.28"));
    const auto rank = [&](std::string_view name) { return WheelName::parse(name)->rank(tags); };
    CHECK(rank("six-1.16.0-py2.py3-none-any.whl") == tags.rank("py3", "none", "any"));
    CHECK(rank("a-1-cp311-cp311-manylinux_2_12_x86_64.manylinux2010_x86_64.manylinux_2_17_x86_64.whl") ==
          tags.rank("cp311", "cp311", "manylinux_2_17_x86_64"));
    CHECK_FALSE(rank("a-1-cp311-cp311-manylinux_2_31_x86_64.whl").has_value());
    CHECK_FALSE(rank("a-1-cp311-cp311-win_amd64.whl").has_value());
    CHECK(*rank("a-1-cp311-cp311-manylinux_2_17_x86_64.whl") < *rank("a-1-py3-none-any.whl"));
}

TEST_CASE("what is no wheel's name is refused with the reason") {
    CHECK(why_not("a-1.0.tar.gz") == "'a-1.0.tar.gz' is no wheel's name: it does not end in .whl");
    CHECK(why_not("a-1-py3-none.whl") ==
          "'a-1-py3-none.whl' is no wheel's name: it is not name-version-python-abi-platform.whl");
    for (const std::string name :
         {"a-1-x-py3-none-any.whl", "-1-py3-none-any.whl", "a__b-1-py3-none-any.whl", "a-latest-py3-none-any.whl",
          "a-1-py3..py2-none-any.whl", "a-1--none-any.whl", "a/b-1-py3-none-any.whl", "a-1-py3-none-a/ny.whl", ".whl",
          "a-1-99999999999999999999999-py3-none-any.whl", "a\n-1-py3-none-any.whl", "a-1-2-3-py3-none-any.whl"}) {
        INFO(name);
        CHECK_FALSE(WheelName::parse(name).has_value());
    }
    std::string many = "py3";
    for (int i = 0; i < 100; ++i) many += ".py3";
    CHECK(why_not("a-1-" + many + "-" + many + "-any.whl").find("it has 10201 tags") != std::string::npos);
}

TEST_CASE("build tags are in the order of their numbers") {
    const auto build = [](const std::string& tag) {
        return WheelName::parse("a-1-" + tag + (tag.empty() ? "" : "-") + "py3-none-any.whl")->build;
    };
    CHECK(build("") < build("0"));
    CHECK(build("2") < build("10"));
    CHECK(build("10") < build("10a"));
    CHECK(build("1_local.2") == build("1_local.2"));
}

TEST_CASE("a source archive's name says the version behind the project's name") {
    CHECK(SdistName::parse("a-b-1.0.tar.gz", "a-b")->version.to_string() == "1.0");
    CHECK(SdistName::parse("A_b-1.0-1.zip", "a-b")->version.to_string() == "1.0.post1");
    CHECK(SdistName::parse("a.b-2.0rc1.tgz", "a-b")->version.to_string() == "2.0rc1");
    for (const auto* name : {"a-b-1.0.egg", "a-b-1.0.exe", "a-b.tar.gz", "c-1.0.tar.gz", "a-b-1.0.win32.zip", ".zip"}) {
        INFO(name);
        CHECK_FALSE(SdistName::parse(name, "a-b").has_value());
    }
}

TEST_CASE("a hostile name is told without its control characters, and cut") {
    const std::string message = why_not("a\x1b[31m\n\xff-" + std::string(3000, 'x'));
    CHECK(message.find_first_of("\x1b\n\xff") == std::string::npos);
    CHECK(message.size() < 400);
}
