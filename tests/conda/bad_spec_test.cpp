// Specs and versions that fuzzers found, or that are made to take long.
#include <catch2/catch.hpp>

#include "conda/match_spec.hpp"

using namespace envbuild;
using namespace envbuild::conda;

TEST_CASE("bad spec: a version with a quote, which the canonical form could not hold, is refused") {
    for (const std::string spec : {"numpy 1'p.*y38 p01", "numpy 1\"p.*y", "numpy ^1'.*$", "numpy[version=\"1.*y'\"]",
                                   "numpy 1\xff'p\x8f.*y38 p01"}) {
        INFO(spec);
        for (const auto dialect : {Dialect::Strict, Dialect::Conda}) {
            const auto parsed = MatchSpec::parse(spec, dialect);
            if (parsed) {
                const auto canonical = parsed->canonical(parsed->channel());
                const auto again = MatchSpec::parse(canonical, Dialect::Conda);
                REQUIRE(again);
                CHECK(again->canonical(again->channel()) == canonical);
            }
        }
    }
    CHECK_FALSE(MatchSpec::parse("numpy 1'p.*y38 p01"));
    CHECK_FALSE(MatchSpec::parse("numpy 1'p.*y38 p01", Dialect::Conda));
}

TEST_CASE("bad spec: a file's name with brackets or quotes, which the canonical form could not hold, is refused") {
    for (const std::string spec : {"htt\xd2.tAs[hx-1.0-py_0.tar.bz2", "a]-1.0-0.conda", "a'-1.0-0.conda",
                                   "https://host/ch/linux-64/a%5B-1.0-0.conda"}) {
        INFO(spec);
        CHECK_FALSE(MatchSpec::parse(spec));
        CHECK_FALSE(MatchSpec::parse(spec, Dialect::Conda));
    }
    CHECK(MatchSpec::parse("https://host/ch/linux-64/a-1.0-0.conda"));
}

TEST_CASE("bad spec: specs and versions have a length that no real one comes near to") {
    CHECK(MatchSpec::parse("numpy >=" + std::string(1000, '1')));
    CHECK_FALSE(MatchSpec::parse("numpy >=" + std::string(2000, '1')));
    std::string alternatives = "numpy 1";
    for (int i = 0; i < 4000; ++i) alternatives += "|1";
    CHECK(MatchSpec::parse(alternatives));
    for (int i = 0; i < 8000; ++i) alternatives += "|1";
    const auto refused = MatchSpec::parse(alternatives);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().kind() == ErrorKind::InvalidInput);
    CHECK_THAT(refused.error().message(), Catch::Contains("it is longer than 16384 characters"));
    CHECK(refused.error().message().size() < 500);
    CHECK(Version::parse(std::string(1024, '1')));
    CHECK_FALSE(Version::parse(std::string(1025, '1')));
    CHECK(Version::parse(std::string(1 << 20, '1')).error().message().size() < 500);
}
