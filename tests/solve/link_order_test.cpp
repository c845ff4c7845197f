#include "solve/link_order.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <random>

#include "solve/records_support.hpp"

using namespace envbuild;
using namespace envbuild::solve;
using namespace envbuild::solve::test;

namespace {

std::vector<std::string> names_in_order(std::vector<conda::PackageRecord> records) {
    std::vector<std::string> names;
    for (const auto& record : link_order(std::move(records))) names.push_back(record.name);
    return names;
}

conda::PackageRecord noarch_python(const std::string& dist, std::vector<std::string> depends = {}) {
    auto made = record(dist, std::move(depends));
    made.noarch = conda::Noarch::Python;
    return made;
}

}  // namespace

TEST_CASE("dependencies come first, by name where it is open") {
    CHECK(names_in_order({record("app-1-0", {"zlib >=1", "bzip2"}), record("zlib-1-0"),
                          record("bzip2-1-0", {"libc 1.*"}), record("libc-1-0"), record("alone-1-0")}) ==
          std::vector<std::string>{"alone", "libc", "bzip2", "zlib", "app"});
}

TEST_CASE("python goes before every noarch python package") {
    CHECK(names_in_order({noarch_python("attrs-1-0"), record("python-3.12-0", {"zlib"}), record("zlib-1-0")}) ==
          std::vector<std::string>{"zlib", "python", "attrs"});
    CHECK(names_in_order({noarch_python("pip-1-0", {"python"}), record("python-3.12-0", {"pip"})}) ==
          std::vector<std::string>{"python", "pip"});
}

TEST_CASE("a cycle is broken at its first name, whatever the order of the input") {
    std::vector<conda::PackageRecord> records = {record("b-1-0", {"c"}), record("c-1-0", {"a"}), record("a-1-0", {"b"}),
                                                 record("z-1-0", {"a"})};
    std::mt19937 random(7);
    for (int i = 0; i < 20; ++i) {
        std::shuffle(records.begin(), records.end(), random);
        CHECK(names_in_order(records) == std::vector<std::string>{"a", "c", "b", "z"});
    }
}

TEST_CASE("what needs a cycle comes after it, though its name goes before") {
    CHECK(names_in_order({record("a-1-0", {"m"}), record("m-1-0", {"n"}), record("n-1-0", {"m"})}) ==
          std::vector<std::string>{"m", "n", "a"});
    // Two cycles, of which one needs the other.
    CHECK(names_in_order({record("a-1-0", {"b", "y"}), record("b-1-0", {"a"}), record("y-1-0", {"z"}),
                          record("z-1-0", {"y"})}) == std::vector<std::string>{"y", "z", "a", "b"});
}

TEST_CASE("a chain of any length and a cycle of any length are put in order") {
    constexpr int kMany = 30'000;
    std::vector<conda::PackageRecord> chain, cycle;
    const auto name = [](int i) { return fmt::format("p{:05}", i); };
    for (int i = 0; i < kMany; ++i) {
        chain.push_back(record(name(i) + "-1-0", {name(i + 1)}));
        cycle.push_back(record(name(i) + "-1-0", {name((i + 1) % kMany)}));
    }
    const auto down = names_in_order(chain), round = names_in_order(cycle);
    REQUIRE(down.size() == kMany);
    CHECK(std::ranges::is_sorted(down, std::greater()));
    REQUIRE(round.size() == kMany);
    CHECK(round.front() == name(0));
    CHECK(std::ranges::is_sorted(round.begin() + 1, round.end(), std::greater()));
}
