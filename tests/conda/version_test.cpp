#include "conda/version.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>

#include "conda/version_key.hpp"

using namespace envbuild;
using conda::Version;

namespace {

Version v(std::string_view text) {
    return value_or_throw(Version::parse(text));
}

}  // namespace

TEST_CASE("versions are ordered as conda orders them") {
    // From the documentation of VersionOrder, and some of the corners.
    const std::vector<std::vector<std::string>> ascending = {
        {"0.4", "0.4.0", "0.4.0.0", "0.4+0"},
        {"0.4.1.rc", "0.4.1.RC"},
        {"0.4.1"},
        {"0.5a1"},
        {"0.5b3"},
        {"0.5C1", "0.5c1"},
        {"0.5"},
        {"0.9.6"},
        {"0.960923"},
        {"1.0"},
        {"1.0.1_"},
        {"1.0.1a"},
        {"1.0.1"},
        {"1.1dev1"},
        {"1.1_"},
        {"1.1a1"},
        {"1.1.0dev1", "1.1.dev1"},
        {"1.1.a1"},
        {"1.1.0rc1"},
        {"1.1.0", "1.1"},
        {"1.1+1"},
        {"1.1+1.a"},
        {"1.1.0post1", "1.1.post1"},
        {"1.1post1"},
        {"1.2.0.18446744073709551615"},
        {"1.2.0.18446744073709551616"},
        {"1.2.0.100000000000000000000000"},
        {"1996.07.12"},
        {"1!0.4.1"},
        {"1!3.1.1.6"},
        {"2!0.4.1"},
    };
    // "1.1+1.a" lies below "1.1+1": letters are below the zero that is missing.
    for (std::size_t i = 0; i < ascending.size(); ++i) {
        for (const auto& a : ascending[i]) {
            for (const auto& b : ascending[i]) CHECK(v(a) == v(b));
        }
        for (std::size_t j = i + 1; j < ascending.size(); ++j) {
            if (ascending[i][0] == "1.1+1" && ascending[j][0] == "1.1+1.a") continue;
            INFO(ascending[i][0] << " < " << ascending[j][0]);
            CHECK(v(ascending[i][0]) < v(ascending[j][0]));
            CHECK(v(ascending[j][0]) > v(ascending[i][0]));
        }
    }
    CHECK(v("1.1+1.a") < v("1.1+1"));
}

TEST_CASE("a version keeps its text and knows conda's form of it") {
    CHECK(v(" 1.0-Alpha ").to_string() == "1.0-Alpha");
    CHECK(v("1.0-Alpha").normalized() == "1.0_alpha");
    CHECK(v("1.0-1") == v("1.0_1"));
    CHECK(Version() < v("0"));
}

TEST_CASE("what conda refuses as a version is refused") {
    for (const auto* text : {"", " ", "1.", ".1", "1..2", "1!2!3", "a!1", "!1", "1!", "1+", "1+2+3", "1+a_", "+1",
                             "1-1_1", "1 2", "^1.5", "3.5&1", "٣"}) {
        INFO(text);
        const auto version = Version::parse(text);
        REQUIRE_FALSE(version);
        CHECK(version.error().kind() == ErrorKind::InvalidInput);
    }
}

TEST_CASE("a prefix takes what lies under it") {
    struct Row {
        const char* version;
        const char* prefix;
        bool under;
    };
    const Row rows[] = {
        {"1.2.3", "1.2", true},
        {"1.2a", "1.2", true},
        {"1.20", "1.2", false},
        {"1.2", "1.2.0", true},
        {"0.10a0", "0.10", true},
        {"1.1.1", "1.1.1_", false},
        {"1.1.1_", "1.1.1_", true},
        {"2013ab", "2013a", true},
        {"0.4.1q1", "0.4.1p", false},
        {"1.2.3+4.5.6", "1.2.3+4", true},
        {"1.2.3+4.5.6", "1.2.3+5", false},
        {"1!2.3", "2", false},
        {"1!2.3", "1!2", true},
        {"1.0post1", "1.0post", true},
        {"1.0.0.0.1", "1.0.0", true},
        {"1", "1.0.0", true},
        {"1.0.0.1", "1.0.0.0", false},
        {"1.dev", "1.0dev", true},
    };
    for (const Row& row : rows) {
        INFO(row.version << " under " << row.prefix);
        CHECK(v(row.version).starts_with(v(row.prefix)) == row.under);
    }
}

namespace {

// VersionOrder's comparison written down as conda's documentation has it, padding with zeros: the oracle for the sort
// key.
int compare_atoms(const conda::VersionAtom* a, const conda::VersionAtom* b) {
    using Kind = conda::VersionAtom::Kind;
    const conda::VersionAtom zero;
    const conda::VersionAtom& x = a != nullptr ? *a : zero;
    const conda::VersionAtom& y = b != nullptr ? *b : zero;
    if (x.kind != y.kind) return x.kind < y.kind ? -1 : 1;
    if (x.kind == Kind::Number && x.text.size() != y.text.size()) return x.text.size() < y.text.size() ? -1 : 1;
    const int order = x.text.compare(y.text);
    return order < 0 ? -1 : order > 0 ? 1 : 0;
}

using Components = std::vector<std::vector<conda::VersionAtom>>;

Components components(const std::vector<conda::VersionAtom>& atoms) {
    Components out;
    bool open = false;
    for (const auto& atom : atoms) {
        if (!open) out.emplace_back();
        out.back().push_back(atom);
        open = !atom.ends_component;
    }
    return out;
}

int compare_lists(const std::vector<conda::VersionAtom>& a, const std::vector<conda::VersionAtom>& b) {
    const Components x = components(a), y = components(b);
    for (std::size_t i = 0; i < std::max(x.size(), y.size()); ++i) {
        const std::size_t n = std::max(i < x.size() ? x[i].size() : 0, i < y.size() ? y[i].size() : 0);
        for (std::size_t j = 0; j < n; ++j) {
            const int order = compare_atoms(i < x.size() && j < x[i].size() ? &x[i][j] : nullptr,
                                            i < y.size() && j < y[i].size() ? &y[i][j] : nullptr);
            if (order != 0) return order;
        }
    }
    return 0;
}

int compare_slowly(const std::string& a, const std::string& b) {
    const auto x = value_or_throw(conda::split_version(a)), y = value_or_throw(conda::split_version(b));
    const int order = compare_lists(x.release, y.release);
    return order != 0 ? order : compare_lists(x.local, y.local);
}

}  // namespace

TEST_CASE("sort keys order random versions as the definition does") {
    std::mt19937 random(20240607);
    const std::vector<std::string> parts = {"0",   "1",    "2",  "10", "00",  "a",     "b",
                                            "dev", "post", "rc", "*",  "300", "70000", "x_"};
    const auto pick = [&](std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(random); };
    std::vector<std::string> texts;
    while (texts.size() < 300) {
        std::string text = pick(6) == 0 ? "1!" : "";
        for (std::size_t i = 0, n = 1 + pick(4); i < n; ++i) {
            if (i > 0) text += '.';
            for (std::size_t j = 0, m = 1 + pick(3); j < m; ++j) text += parts[pick(parts.size())];
        }
        if (pick(5) == 0) text += "+" + parts[pick(3)] + "." + parts[pick(6)];
        if (Version::parse(text)) texts.push_back(text);
    }
    for (const auto& a : texts) {
        const Version x = v(a);
        for (const auto& b : texts) {
            const Version y = v(b);
            const int expected = compare_slowly(a, b);
            const int got = x < y ? -1 : y < x ? 1 : 0;
            if (got != expected) FAIL(a << " against " << b << ": " << got << ", not " << expected);
            if ((x == y) != (expected == 0)) FAIL(a << " == " << b);
        }
    }
    SUCCEED();
}
