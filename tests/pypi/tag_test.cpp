#include "pypi/tag.hpp"

#include <catch2/catch.hpp>

using namespace envbuild::pypi;

TEST_CASE("the platforms of a target go down to the oldest glibc that the standards know") {
    const auto x86 = platform_tags(*TagTarget::of("3.11.4", "x86_64", "2.18"));
    CHECK(x86 == std::vector<std::string>{"manylinux_2_18_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64",
                                          "manylinux_2_16_x86_64", "manylinux_2_15_x86_64", "manylinux_2_14_x86_64",
                                          "manylinux_2_13_x86_64", "manylinux_2_12_x86_64", "manylinux2010_x86_64",
                                          "manylinux_2_11_x86_64", "manylinux_2_10_x86_64", "manylinux_2_9_x86_64",
                                          "manylinux_2_8_x86_64", "manylinux_2_7_x86_64", "manylinux_2_6_x86_64",
                                          "manylinux_2_5_x86_64", "manylinux1_x86_64", "linux_x86_64"});
    CHECK(platform_tags(*TagTarget::of("3.11.4", "aarch64", "2.18")) ==
          std::vector<std::string>{"manylinux_2_18_aarch64", "manylinux_2_17_aarch64", "manylinux2014_aarch64",
                                   "linux_aarch64"});
    // Older than any: nothing but what was built for this very system.
    CHECK(platform_tags(*TagTarget::of("3.11", "aarch64", "2.16")) == std::vector<std::string>{"linux_aarch64"});
    CHECK(platform_tags(*TagTarget::of("3.11", "x86_64", "3.1"))[2] == "manylinux_2_50_x86_64");
}

TEST_CASE("tags come in the order of packaging's sys_tags") {
    const TagSet set(*TagTarget::of("3.4.1", "aarch64", "2.16"));
    std::vector<std::string> printed;
    for (const auto& tag : set.tags()) printed.push_back(tag.to_string());
    CHECK(printed == std::vector<std::string>{
                         "cp34-cp34m-linux_aarch64", "cp34-abi3-linux_aarch64", "cp34-none-linux_aarch64",
                         "cp33-abi3-linux_aarch64", "cp32-abi3-linux_aarch64", "py34-none-linux_aarch64",
                         "py3-none-linux_aarch64", "py33-none-linux_aarch64", "py32-none-linux_aarch64",
                         "py31-none-linux_aarch64", "py30-none-linux_aarch64", "cp34-none-any", "py34-none-any",
                         "py3-none-any", "py33-none-any", "py32-none-any", "py31-none-any", "py30-none-any"});
    const TagSet modern(*TagTarget::of("3.12.1", "x86_64", "2.36"));
    CHECK(modern.tags().front().to_string() == "cp312-cp312-manylinux_2_36_x86_64");
    CHECK(modern.tags().size() == 36 * (1 + 1 + 1 + 10 + 14) + 15);
    CHECK(modern.rank("cp312", "cp312", "manylinux_2_17_x86_64") <
          modern.rank("cp312", "abi3", "manylinux_2_36_x86_64"));
    CHECK(modern.rank("cp38", "abi3", "manylinux2014_x86_64").has_value());
    CHECK_FALSE(modern.rank("cp38", "cp38", "manylinux2014_x86_64").has_value());
    CHECK_FALSE(modern.rank("cp312", "cp312", "manylinux_2_37_x86_64").has_value());
    CHECK_FALSE(modern.rank("cp313", "abi3", "manylinux2014_x86_64").has_value());
    CHECK_FALSE(modern.rank("cp312", "cp312", "musllinux_1_1_x86_64").has_value());
    CHECK(modern.rank("py2", "none", "any") == std::nullopt);
}

TEST_CASE("a free-threaded Python takes wheels of its own ABI") {
    auto target = *TagTarget::of("3.13.0", "x86_64", "2.36");
    target.free_threaded = true;
    const TagSet set(target);
    CHECK(set.rank("cp313", "cp313t", "manylinux_2_17_x86_64").has_value());
    CHECK_FALSE(set.rank("cp313", "cp313", "manylinux_2_17_x86_64").has_value());
    CHECK_FALSE(set.rank("cp313", "abi3", "manylinux_2_17_x86_64").has_value());
    CHECK(set.rank("py3", "none", "any").has_value());
}

TEST_CASE("a target is told by versions") {
    for (const auto& [python, glibc] : std::vector<std::pair<std::string, std::string>>{{"3", "2.36"},
                                                                                        {"x.y", "2.36"},
                                                                                        {"4.1", "2.36"},
                                                                                        {"3.11", "2"},
                                                                                        {"3.11", "musl"},
                                                                                        {"3.99999999999", "2.36"}}) {
        INFO(python << " " << glibc);
        CHECK_FALSE(TagTarget::of(python, "x86_64", glibc).has_value());
    }
    CHECK_FALSE(TagTarget::of("3.11", "", "2.36").has_value());
    CHECK(TagTarget::of("3.13.0rc1", "x86_64", "2.36")->python_minor == 13);
}
