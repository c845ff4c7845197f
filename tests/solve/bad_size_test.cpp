// Channels whose records are much larger, longer or more than any channel's: they are read and resolved all the same,
// or refused, and nothing takes more than its share of time or memory.
#include <catch2/catch.hpp>
#include <functional>

#include "solve/bad_channel_support.hpp"
#include "solve/records_support.hpp"

using namespace envbuild;
using namespace envbuild::solve;
using namespace envbuild::solve::test;

namespace {

using Files = std::vector<std::string>;

std::string list_of(int count, const std::function<std::string(int)>& text) {
    std::string list = "[";
    for (int i = 0; i < count; ++i) list += (i == 0 ? "\"" : ",\"") + text(i) + '"';
    return list + ']';
}

std::string many(int count, const std::function<std::string(int)>& text) {
    std::string out;
    for (int i = 0; i < count; ++i) out += text(i);
    return out;
}

std::string number(int i) {
    return std::to_string(i);
}

}  // namespace

TEST_CASE("bad size: a million dependencies") {
    const auto b = record_text({{"name", R"("b")"}});
    const auto resolve = [&](int count, const std::function<std::string(int)>& depends) {
        return answer({"a"}, repodata_text({record_text({{"depends", list_of(count, depends)}}), b}));
    };
    CHECK(resolve(1'000'000, [](int) { return "b"; }) == Files{"a-1.0-0.conda", "b-1.0-0.conda"});
    CHECK(resolve(10'000, [](int i) { return "b !=2." + number(i); }) == Files{"a-1.0-0.conda", "b-1.0-0.conda"});
    const auto why = resolve(10'000, [](int i) { return "n" + number(i); });
    CHECK_THAT(why.front(), Catch::StartsWith("no answer: 'a' cannot be installed"));
    CHECK(why.front().size() < 2000);
}

TEST_CASE("bad size: thousands of records of a name, each in conflict") {
    constexpr int kMany = 3'000;
    const auto record_of = [](const std::string& name, int i, const std::string& depends) {
        return record_text({{"name", '"' + name + '"'}, {"version", '"' + number(i + 1) + '"'}, {"depends", depends}});
    };
    std::vector<std::string> records;
    SECTION("with what is asked beside it") {
        for (int i = 0; i < kMany; ++i) records.push_back(record_of("a", i, one("c " + number(i + 1))));
        records.push_back(record_of("b", 0, one("c 0")));
        records.push_back(record_of("c", -1, "[]"));
        for (int i = 0; i < kMany; i += 100) records.push_back(record_of("c", i, "[]"));
        const auto why = answer({"a", "b"}, repodata_text(records));
        CHECK_THAT(why.front(), Catch::Contains("'a' and 'b' cannot be had together"));
        CHECK(why.front().size() < 5000);
        CHECK(answer({"b"}, repodata_text(records)).size() == 2);
        CHECK(answer({"a"}, repodata_text(records)) == Files{"a-2901-0.conda", "c-2901-0.conda"});
    }
    SECTION("with each of as many others") {
        for (int i = 0; i < kMany / 3; ++i) {
            records.push_back(record_of("a", i, one("c " + number(i % 2))));
            records.push_back(record_of("b", i, one("c " + number(2 + i % 2))));
        }
        for (int i = -1; i < 3; ++i) records.push_back(record_of("c", i, "[]"));
        CHECK_THAT(answer({"a", "b"}, repodata_text(records)).front(), Catch::Contains("cannot be had together"));
    }
    SECTION("with what it needs itself, through its constraints") {
        for (int i = 0; i < kMany; ++i) {
            records.push_back(record_text({{"version", '"' + number(i + 1) + '"'},
                                           {"depends", R"(["b","c"])"},
                                           {"constrains", one("c !=" + number(i % 7 + 1))}}));
        }
        for (int i = 0; i < 7; ++i) records.push_back(record_of("b", i, one("c " + number(i + 1))));
        for (int i = 0; i < 7; ++i) records.push_back(record_of("c", i, "[]"));
        CHECK(answer({"a"}, repodata_text(records)).size() == 3);
        CHECK(answer({"a", "b 3"}, repodata_text(records)).size() == 3);
    }
}

TEST_CASE("bad size: a circle of hundreds of names") {
    constexpr int kMany = 600;
    std::vector<std::string> records;
    for (int i = 0; i < kMany; ++i)
        records.push_back(
            record_text({{"name", "\"n" + number(i) + '"'}, {"depends", one("n" + number((i + 1) % kMany))}}));
    CHECK(answer({"n0"}, repodata_text(records)).size() == kMany);
    records.back() = record_text({{"name", "\"n" + number(kMany - 1) + '"'}, {"depends", one("nowhere")}});
    CHECK(answer({"n0"}, repodata_text(records)).front().size() < 5000);
}

TEST_CASE("bad size: texts of a megabyte") {
    constexpr int kMega = 1 << 20;
    const std::string x(kMega, 'x');
    // The record is left out, and the sound one beside it taken.
    const auto left_out = [](Members members) {
        members.try_emplace("version", R"("2.0")");
        const auto repodata =
            repodata_text({record_text(), record_text({{"name", R"("b")"}}), record_text(members, "a-2.0-0.conda")});
        return answer({"a"}, repodata) == Files{"a-1.0-0.conda"};
    };
    for (const auto& depends : std::vector<std::string>{
             x, "b >=" + many(kMega / 2, [](int) { return "1."; }) + "1",
             "b " + many(kMega / 2, [](int) { return "1|"; }) + "1",
             "b " + many(kMega / 2, [](int) { return "1,"; }) + "1", "b " + std::string(kMega, '('),
             "b * " + std::string(kMega, '*'), "b ^" + x + "$", "b[" + x + "]", std::string(kMega, '['),
             many(kMega / 2, [](int) { return "[]"; }), std::string(kMega, ' ') + "b >=", x + "::b",
             "b[version='" + x + "']", std::string(kMega, ':'), "b " + std::string(kMega, '1')}) {
        INFO(depends.substr(0, 20));
        CHECK(left_out({{"depends", one(depends)}}));
        CHECK(left_out({{"constrains", one(depends)}}));
    }
    for (const auto* member : {"name", "version", "build", "sha256", "md5", "noarch"}) {
        INFO(member);
        CHECK(left_out({{member, '"' + x + '"'}}));
    }
    CHECK(left_out({{"version", '"' + many(kMega / 2, [](int) { return "0."; }) + "1\""}}));
    CHECK(answer({"a"}, repodata_text({record_text({{"license", '"' + x + '"'}, {"unknown", '"' + x + '"'}})})) ==
          Files{"a-1.0-0.conda"});
    const auto unnamed = answer({"a"}, repodata_text({record_text({}, x + ".conda")}));
    CHECK(unnamed.front().starts_with("no answer"));
    CHECK(unnamed.front().size() < 1000);
    CHECK(answer({"a"}, repodata_text({record_text({{"version", '"' + x + '"'}})})).front().size() < 1000);
}

TEST_CASE("bad size: brackets in brackets") {
    for (const int depth : {100, 2000, 1 << 20}) {
        INFO(depth);
        for (const auto& [open, close] :
             std::vector<std::pair<std::string, std::string>>{{"[", "]"}, {R"({"name":)", "}"}}) {
            const auto deep = many(depth, [&](int) { return open; }) + "1" + many(depth, [&](int) { return close; });
            const auto chosen = answer(
                {"a"}, repodata_text({record_text(), record_text({{"version", R"("2.0")"}, {"unknown", deep}})}));
            CHECK((chosen == Files{"a-2.0-0.conda"} || chosen == Files{"a-1.0-0.conda"}));
            CHECK(answer({"a"},
                         repodata_text({record_text(), record_text({{"version", R"("2.0")"}, {"depends", deep}})})) ==
                  Files{"a-1.0-0.conda"});
            for (const std::string member : {"info", "removed", "other"}) {
                INFO(member);
                try {
                    CHECK(answer({"a"}, "{\"" + member + "\":" + deep + R"(,"packages.conda":{)" + record_text() +
                                            "}}") == Files{"a-1.0-0.conda"});
                } catch (const Error& error) {
                    CHECK(error.kind() == ErrorKind::Corrupt);
                }
            }
            try {
                (void)answer({"a"}, deep);
                FAIL("it was taken");
            } catch (const Error& error) {
                CHECK(error.kind() == ErrorKind::Corrupt);
            }
        }
    }
}
