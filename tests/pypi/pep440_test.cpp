#include "pypi/pep440.hpp"

#include <catch2/catch.hpp>

using envbuild::pypi::Pep440Version;

namespace {

std::string normal(std::string_view text) {
    const auto version = Pep440Version::parse(text);
    return version ? version->to_string() : "refused";
}

}  // namespace

TEST_CASE("a version is normalised as PEP 440 says") {
    CHECK(normal("1.0") == "1.0");
    CHECK(normal(" v1.0-ALPHA_1 ") == "1.0a1");
    CHECK(normal("1.0.post") == "1.0.post0");
    CHECK(normal("1.0-1") == "1.0.post1");
    CHECK(normal("1!2.0c3.rev4.dev05+Ubuntu_1-007") == "1!2.0rc3.post4.dev5+ubuntu.1.7");
    CHECK(normal("00001.0900") == "1.900");
    CHECK(normal("20230101123456789012345678901234567890.1") == "20230101123456789012345678901234567890.1");
}

TEST_CASE("what is no version is refused") {
    for (const std::string_view text :
         {"", "latest", "1..0", "1.0.", "1.*", "1 .0", "1.0+", "1.0++a", "1.0+_a", "1.0a 1", "v"}) {
        INFO(text);
        CHECK(normal(text) == "refused");
    }
}

TEST_CASE("versions are ordered by epoch, release, pre, post, dev and local part") {
    const std::vector<std::string> ascending = {"0.9",
                                                "1.0.dev1",
                                                "1.0a1.dev1",
                                                "1.0a1",
                                                "1.0a2",
                                                "1.0b1",
                                                "1.0rc1",
                                                "1.0",
                                                "1.0+a",
                                                "1.0+b",
                                                "1.0+1",
                                                "1.0+1.a",
                                                "1.0.post1.dev2",
                                                "1.0.post1",
                                                "1.1.dev1",
                                                "1.9999999",
                                                "1.100000000000000000000",
                                                "1!0.1"};
    for (std::size_t i = 0; i < ascending.size(); ++i) {
        for (std::size_t j = 0; j < ascending.size(); ++j) {
            INFO(ascending[i] << " and " << ascending[j]);
            CHECK((*Pep440Version::parse(ascending[i]) <=> *Pep440Version::parse(ascending[j])) == (i <=> j));
        }
    }
    CHECK(*Pep440Version::parse("1.0") == *Pep440Version::parse("1.0.0"));
}

TEST_CASE("the parts of a version can be asked for") {
    const auto version = *Pep440Version::parse("1!2.0.post1+cu118");
    CHECK(version.local() == "cu118");
    CHECK(version.public_version().to_string() == "1!2.0.post1");
    CHECK(version.is_postrelease());
    CHECK_FALSE(version.is_prerelease());
    CHECK(Pep440Version::parse("1.0.dev1")->is_prerelease());
    CHECK((version.compare_public(*Pep440Version::parse("1!2.post1")) == 0));
    CHECK(version > *Pep440Version::parse("1!2.post1"));
}
