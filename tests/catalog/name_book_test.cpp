// The rule by which claims come to names.
#include <algorithm>
#include <catch2/catch.hpp>
#include <random>
#include <set>

#include "catalog/claims_support.hpp"

using namespace envbuild;
using namespace envbuild::catalog;
using namespace envbuild::testing;

namespace {

std::string version_of(const NameBook& book, const Claim& claim) {
    const auto* outcome = book.outcome(claim.id);
    if (outcome == nullptr) throw std::runtime_error("no outcome");
    return outcome->version;
}

std::string reason_of(const NameBook& book, const Claim& claim) {
    const auto* outcome = book.outcome(claim.id);
    if (outcome == nullptr) throw std::runtime_error("no outcome");
    return outcome->refused;
}

// Claims that get in each other's way as often as can be: few names, contents, versions and labels, many ties.
std::vector<Claim> random_claims(std::mt19937& random, std::size_t count) {
    const auto below = [&](unsigned limit) { return static_cast<unsigned>(random() % limit); };
    const auto name = [&] { return std::string(1, static_cast<char>('a' + below(4))); };
    std::vector<Claim> claims;
    for (std::size_t i = 0; i < count; ++i) {
        const std::uint64_t sequence = 1 + i / 3;
        const auto version = below(3) == 0 ? std::to_string(1 + below(4)) : "";
        switch (below(8)) {
            case 0:
            case 1:
                claims.push_back(renames(name(), sequence, name()));
                break;
            case 2:
                claims.push_back(labels(name(), sequence, std::to_string(1 + below(3)), below(2) == 0 ? "x" : "latest",
                                        below(3) != 0));
                break;
            case 3:
                claims.push_back(archives(name(), sequence, version, below(2) == 0));
                break;
            default:
                claims.push_back(registers(name(), sequence, "content " + std::to_string(below(6)), version, below(3)));
        }
        if (claims.back().kind == ClaimKind::Register && below(3) == 0) {
            claims.back().expected = std::to_string(1 + below(5));
            claims.back() = sealed(claims.back());
        }
    }
    return claims;
}

bool same_outcomes(const NameBook& a, const NameBook& b, const std::vector<Claim>& claims) {
    return std::ranges::all_of(claims, [&](const Claim& claim) {
        return version_of(a, claim) == version_of(b, claim) && reason_of(a, claim) == reason_of(b, claim);
    });
}

void check_invariants(const NameBook& book) {
    for (const auto& [name, entry] : book.names()) {
        CHECK(entry.name == name);
        CHECK(book.find(name) == &entry);
        CHECK_FALSE(book.renamed_to(name));
        REQUIRE_FALSE(entry.versions.empty());
        std::set<std::string> versions;
        for (const auto& version : entry.versions) CHECK(versions.insert(version.version).second);
        for (const auto& [label, version] : entry.labels) CHECK(versions.contains(version));
    }
    for (const auto* name : {"a", "b", "c", "d"}) {
        if (const auto target = book.renamed_to(name)) {
            CHECK(book.names().contains(*target));
            CHECK(book.find(name) == &book.names().at(*target));
        }
    }
}

}  // namespace

TEST_CASE("registrations get the next number, and the same content its version again") {
    const auto first = registers("env", 1, "one");
    const auto second = registers("env", 2, "two");
    auto again = registers("env", 3, "one");
    again.description = "what it is for";
    again.tags = {{"team", "vision"}};
    again = sealed(again);
    const auto book = NameBook::play({again, second, first});
    CHECK(version_of(book, first) == "1");
    CHECK(version_of(book, second) == "2");
    CHECK(version_of(book, again) == "1");
    const auto* entry = book.find("env");
    REQUIRE(entry != nullptr);
    REQUIRE(entry->versions.size() == 2);
    CHECK(entry->versions[0].description == "what it is for");
    CHECK(entry->versions[0].tags.at("team") == "vision");
    CHECK(entry->versions[0].claim == first.id);
    CHECK(entry->latest()->version == "2");
    CHECK(entry->find("2")->content == sha256("two"));
    CHECK(entry->find("3") == nullptr);
    CHECK(book.next_sequence() == 4);
    CHECK(book.find("other") == nullptr);
    CHECK(book.outcome(sha256("none")) == nullptr);
}

TEST_CASE("a claim that says nothing new of a version takes nothing away") {
    auto first = registers("env", 1, "one");
    first.description = "kept";
    first.tags = {{"k", "v"}};
    first.facts = Json::object().set("python", "3.11");
    first = sealed(first);
    const auto book = NameBook::play({first, registers("env", 2, "one")});
    const auto& version = book.find("env")->versions.at(0);
    CHECK(version.description == "kept");
    CHECK(version.tags.at("k") == "v");
    CHECK(version.facts.string_or("python", "") == "3.11");
}

TEST_CASE("a version that is asked for is given where it is free, else the next number") {
    const auto ten = registers("env", 1, "one", "10");
    const auto word = registers("env", 2, "two", "2026.11-rc1");
    const auto next = registers("env", 3, "three");
    const auto taken = registers("env", 4, "four", "10");
    const auto same = registers("env", 5, "one", "10");
    const auto alias = registers("env", 6, "one", "42");
    const auto once_more = registers("env", 7, "four", "10");
    const auto book = NameBook::play({ten, word, next, taken, same, alias, once_more});
    CHECK(version_of(book, ten) == "10");
    CHECK(version_of(book, word) == "2026.11-rc1");
    CHECK(version_of(book, next) == "11");
    CHECK(version_of(book, taken) == "12");
    CHECK(version_of(book, same) == "10");
    CHECK(version_of(book, alias) == "42");
    CHECK(version_of(book, once_more) == "12");
    CHECK(book.find("env")->find("42")->content == sha256("one"));
}

TEST_CASE("numbers that cannot be counted on from") {
    CHECK(version_of(NameBook::play({registers("e", 1, "x", "0")}), registers("e", 1, "x", "0")) == "0");
    const auto next_after = [](const std::string& version) {
        const auto next = registers("e", 2, "y");
        return version_of(NameBook::play({registers("e", 1, "x", version), next}), next);
    };
    CHECK(next_after("0") == "1");
    CHECK(next_after("007") == "8");
    CHECK(next_after("1.5") == "1");
    CHECK(next_after("v3") == "1");
    CHECK(next_after("99999999999999999999999999") == "1");
    CHECK(next_after("999999999999999") == "1000000000000000");
    // Beyond what counts, there is still always a free one.
    const auto third = registers("e", 3, "z");
    const auto book = NameBook::play({registers("e", 1, "x", "999999999999999"), registers("e", 2, "y"), third});
    CHECK(version_of(book, third) == "1000000000000001");
}

TEST_CASE("two who register at once both stay, with different versions") {
    const auto mine = registers("env", 5, "mine", "", 10);
    const auto yours = registers("env", 5, "yours", "", 20);
    const auto book = NameBook::play({yours, registers("env", 1, "before"), mine});
    CHECK(version_of(book, mine) == "2");
    CHECK(version_of(book, yours) == "3");
    // Without a clock to tell them apart the digest does.
    const auto a = registers("env", 5, "a");
    const auto b = registers("env", 5, "b");
    const auto tie = NameBook::play({a, b});
    CHECK(version_of(tie, a) != version_of(tie, b));
    CHECK((version_of(tie, a) == "1") == (a.id < b.id));
    CHECK(NameBook::play({b, a}).same_names(tie));
    // Two who ask for the same one: it goes to the first, the other gets a number.
    const auto first = registers("env", 5, "a", "v1", 1);
    const auto second = registers("env", 5, "b", "v1", 2);
    const auto asked = NameBook::play({second, first});
    CHECK(version_of(asked, first) == "v1");
    CHECK(version_of(asked, second) == "1");
}

TEST_CASE("versions keep their numbers when an earlier claim has been deleted from the registry") {
    auto first = registers("env", 1, "one");
    auto second = registers("env", 2, "two");
    second.expected = "2";
    second = sealed(second);
    auto third = registers("env", 3, "three");
    third.expected = "3";
    third = sealed(third);
    auto book = NameBook::play({first, third});
    CHECK(version_of(book, third) == "3");
    book = NameBook::play({second, third});
    CHECK(version_of(book, second) == "2");
    // What is expected is only taken where it is free and a number.
    auto late = registers("env", 4, "four");
    late.expected = "2";
    CHECK(version_of(NameBook::play({first, second, sealed(late)}), sealed(late)) == "3");
    late.expected = "x";
    CHECK(version_of(NameBook::play({first, second, sealed(late)}), sealed(late)) == "3");
}

TEST_CASE("a rename moves versions and labels, and the old name leads to them") {
    const auto move = renames("old", 3, "new");
    const auto book = NameBook::play({registers("old", 1, "one"), labels("old", 2, "1", "stable"), move,
                                      labels("old", 4, "1", "late"), archives("old", 5)});
    CHECK(reason_of(book, move).empty());
    CHECK(book.renamed_to("old") == "new");
    const auto* entry = book.find("old");
    REQUIRE(entry != nullptr);
    CHECK(entry == book.find("new"));
    CHECK(entry->name == "new");
    CHECK(entry->labelled("stable")->version == "1");
    CHECK(entry->labelled("late")->version == "1");
    CHECK(entry->labelled("none") == nullptr);
    CHECK(entry->archived);
    CHECK(book.names().size() == 1);
}

TEST_CASE("a rename of what is not there, or to what is, has no effect and says why") {
    const auto absent = renames("none", 3, "x");
    const auto onto = renames("a", 4, "b");
    const auto itself = renames("a", 5, "a");
    const auto first = renames("a", 6, "c");
    const auto second = renames("a", 7, "d");
    const auto book =
        NameBook::play({registers("a", 1, "one"), registers("b", 2, "two"), absent, onto, itself, first, second});
    CHECK(reason_of(book, absent) == "there is no environment 'none'");
    CHECK(reason_of(book, onto) == "there is an environment 'b' already");
    CHECK(reason_of(book, itself) == "there is an environment 'a' already");
    CHECK(reason_of(book, first).empty());
    CHECK(reason_of(book, second) == "'a' has been renamed to 'c'");
    CHECK(book.find("d") == nullptr);
}

TEST_CASE("renames there and back, round in a ring, and onto a name that was left") {
    auto claims = std::vector{registers("a", 1, "one"), renames("a", 2, "b"), renames("b", 3, "a")};
    auto book = NameBook::play(claims);
    CHECK(book.find("a")->name == "a");
    CHECK(book.find("b")->name == "a");
    CHECK_FALSE(book.renamed_to("a"));

    claims.push_back(renames("a", 4, "c"));
    claims.push_back(renames("c", 5, "b"));
    book = NameBook::play(claims);
    for (const auto* name : {"a", "b", "c"}) CHECK(book.find(name)->name == "b");
    CHECK(book.names().size() == 1);
    check_invariants(book);

    // A registration under an old name is another environment; older names still lead to the first one.
    const auto fresh = registers("c", 6, "other");
    claims.push_back(fresh);
    book = NameBook::play(claims);
    CHECK(version_of(book, fresh) == "1");
    CHECK(book.find("c")->name == "c");
    CHECK(book.find("a")->name == "b");
    // And renames onto an old name end what led away from it.
    claims.push_back(renames("c", 7, "a"));
    book = NameBook::play(claims);
    CHECK(book.find("a")->versions.at(0).content == sha256("other"));
    CHECK(book.find("c")->name == "a");
    CHECK(book.find("b")->versions.at(0).content == sha256("one"));
    check_invariants(book);
}

TEST_CASE("labels are set, moved and taken away, never onto nothing") {
    const auto gone = labels("env", 6, "1", "stable", false);
    const auto nowhere = labels("env", 4, "9", "stable");
    const auto unknown = labels("env", 8, "", "other", false);
    const auto bare = labels("env", 9, "", "other");
    auto claims = std::vector{registers("env", 1, "one"),      registers("env", 2, "two"),
                              labels("env", 3, "1", "stable"), nowhere,
                              labels("env", 5, "2", "stable"), gone};
    auto book = NameBook::play(claims);
    CHECK(reason_of(book, nowhere) == "'env' has no version '9'");
    CHECK(reason_of(book, gone) == "the label 'stable' of 'env' is at version '2'");
    CHECK(book.find("env")->labelled("stable")->version == "2");
    const auto remove = labels("env", 7, "", "stable", false);
    claims.insert(claims.end(), {remove, unknown, bare});
    book = NameBook::play(claims);
    CHECK(version_of(book, remove) == "2");
    CHECK(book.find("env")->labels.empty());
    CHECK(reason_of(book, unknown) == "'env' has no label 'other'");
    CHECK(reason_of(book, bare) == "a label is set on a version, and none was named");
    const auto lost = labels("none", 10, "1", "x");
    CHECK(reason_of(book.with(lost), lost) == "there is no environment 'none'");
}

TEST_CASE("latest is what somebody labelled, else the last that is not archived") {
    auto claims =
        std::vector{registers("env", 1, "one"), registers("env", 2, "two"), registers("env", 3, "three", "1a")};
    CHECK(NameBook::play(claims).find("env")->latest()->version == "1a");
    claims.push_back(archives("env", 4, "1a"));
    CHECK(NameBook::play(claims).find("env")->latest()->version == "2");
    claims.push_back(labels("env", 5, "1", "latest"));
    CHECK(NameBook::play(claims).find("env")->labelled("latest")->version == "1");
    claims.push_back(labels("env", 6, "", "latest", false));
    claims.push_back(archives("env", 7, "2"));
    claims.push_back(archives("env", 8, "1"));
    CHECK(NameBook::play(claims).find("env")->latest() == nullptr);
}

TEST_CASE("archiving hides a version or a name, restoring takes it back") {
    const auto absent = archives("env", 9, "7");
    auto claims = std::vector{registers("env", 1, "one"), archives("env", 2, "1"), archives("env", 3), absent};
    auto book = NameBook::play(claims);
    CHECK(book.find("env")->archived);
    CHECK(book.find("env")->versions[0].archived);
    CHECK(reason_of(book, absent) == "'env' has no version '7'");
    claims.push_back(archives("env", 10, "", false));
    book = NameBook::play(claims);
    CHECK_FALSE(book.find("env")->archived);
    CHECK(book.find("env")->versions[0].archived);
    claims.push_back(archives("env", 11, "1", false));
    CHECK_FALSE(NameBook::play(claims).find("env")->versions[0].archived);
    const auto lost = archives("none", 12);
    CHECK(reason_of(book.with(lost), lost) == "there is no environment 'none'");
}

TEST_CASE("a book with one more claim is what the writer may expect") {
    const NameBook empty = NameBook::play({});
    CHECK(empty.next_sequence() == 1);
    CHECK(empty.names().empty());
    auto next = registers("env", 1, "one");
    const auto book = empty.with(next);
    CHECK(empty.names().empty());
    CHECK(version_of(book, next) == "1");
    CHECK(book.same_names(NameBook::play({next})));
    CHECK_FALSE(book.same_names(empty));
    CHECK(book.with(registers("env", 2, "one")).same_names(book));
    CHECK(NameBook::play({registers("env", kLastSequence, "one")}).next_sequence() == kLastSequence);
}

TEST_CASE("properties: any order gives the same book, and what was given stays") {
    std::mt19937 random(20261123);  // NOLINT: the same tries each time
    for (int round = 0; round < 300; ++round) {
        INFO("round " << round);
        const auto claims = random_claims(random, 4 + random() % 30);
        const auto book = NameBook::play(claims);
        check_invariants(book);

        auto shuffled = claims;
        shuffled.push_back(claims.front());  // the same artifact under two tags
        for (int i = 0; i < 3; ++i) {
            std::ranges::shuffle(shuffled, random);
            const auto other = NameBook::play(shuffled);
            CHECK(other.same_names(book));
            CHECK(same_outcomes(other, book, claims));
        }

        // Whoever read up to some sequence was told what is still so.
        for (std::uint64_t last = 1; last < claims.back().sequence; ++last) {
            std::vector<Claim> earlier;
            std::ranges::copy_if(claims, std::back_inserter(earlier),
                                 [&](const auto& c) { return c.sequence <= last; });
            const auto before = NameBook::play(earlier);
            CHECK(same_outcomes(before, book, earlier));
            check_invariants(before);
        }

        // Registrations stay, each content under the version that it was given.
        std::set<Digest> kept;
        for (const auto& [name, entry] : book.names()) {
            for (const auto& version : entry.versions) kept.insert(version.content);
        }
        for (const auto& made : claims) {
            if (made.kind == ClaimKind::Register) CHECK(kept.contains(made.content));
        }
    }
}

TEST_CASE("properties: registrations of one name with one sequence have as many versions as contents") {
    std::mt19937 random(7);  // NOLINT: the same tries each time
    for (int round = 0; round < 100; ++round) {
        std::vector<Claim> claims;
        const auto count = 2 + random() % 6;
        for (unsigned i = 0; i < count; ++i) {
            auto made = registers("env", 3, "content " + std::to_string(i), random() % 2 == 0 ? "5" : "",
                                  static_cast<unsigned>(random() % 2));
            made.expected = random() % 2 == 0 ? "1" : "";
            claims.push_back(sealed(made));
        }
        const auto book = NameBook::play(claims);
        std::set<std::string> versions;
        for (const auto& made : claims) versions.insert(version_of(book, made));
        CHECK(versions.size() == claims.size());
    }
}
