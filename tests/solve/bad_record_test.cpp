// Records that are not what a record should be: each is left out, as docs/channels.md says, or read as it says, and
// nothing else of the channel suffers.
#include <catch2/catch.hpp>
#include <set>

#include "solve/bad_channel_support.hpp"
#include "solve/records_support.hpp"

using namespace envbuild;
using namespace envbuild::solve;
using namespace envbuild::solve::test;

namespace {

using Files = std::vector<std::string>;

// What is chosen where 2.0 has these members, and a sound 1.0 stands beside it.
std::string chosen(Members members) {
    members.try_emplace("version", R"("2.0")");
    const auto files = answer({"a"}, repodata_text({record_text(), record_text(members, "a-2.0-0.conda")}));
    REQUIRE(files.size() == 1);
    return files.front();
}
const std::string kBad = "a-1.0-0.conda", kGood = "a-2.0-0.conda";

}  // namespace

TEST_CASE("bad record: members of another type leave the record out, or are passed over where they decide nothing") {
    const std::vector<std::string> values = {
        "1",          "-1",    "1.5",    "1e400",      "true",    "false",       "[]",   "{}",
        "[1]",        R"("")", R"("x")", R"(["x",1])", R"([[]])", R"({"a":{}})", "null", "99999999999999999999999999",
        R"("\u0000")"};
    // What is taken of each member, by the value's text.
    const std::map<std::string, std::set<std::string>> fine = {
        {"name", {}},
        {"version", {}},
        {"build", {R"("x")", R"("")"}},
        {"build_number", {"1", "-1", "1.5", "null"}},
        {"depends", {"[]", "null"}},
        {"constrains", {"[]", "null"}},
        {"sha256", {}},
        {"md5", {"null"}},
        {"size", {"1", "1.5", "null"}},
        {"timestamp", {"1", "-1", "1.5", "null"}},
        {"track_features", {"[]", R"("")", R"("x")", R"("\u0000")", "null"}},
        {"features", {"[]", R"("")", R"("x")", R"("\u0000")", "null"}},
        {"noarch", {"true", "false", "null"}},
        {"python_site_packages_path", {R"("")", R"("x")", "null"}},
        {"license", {values.begin(), values.end()}},
        {"license_family", {values.begin(), values.end()}},
        {"revoked", {values.begin(), values.end()}},
        {"subdir", {values.begin(), values.end()}},
        {"arch", {values.begin(), values.end()}},
        {"unknown", {values.begin(), values.end()}},
    };
    for (const auto& [member, taken] : fine) {
        for (const auto& value : values) {
            if (member == "revoked" && value == "true") continue;
            INFO(member << ": " << value);
            CHECK(chosen({{member, value}}) == (taken.contains(value) ? kGood : kBad));
        }
    }
}

TEST_CASE("bad record: members that are missing") {
    for (const auto* member : {"name", "version", "build", "sha256"}) {
        INFO(member);
        CHECK(chosen({{member, ""}}) == kBad);
    }
    for (const auto* member : {"build_number", "depends", "constrains", "size", "timestamp", "license", "subdir"}) {
        INFO(member);
        CHECK(chosen({{member, ""}}) == kGood);
    }
    CHECK(answer({"a"}, R"({"packages.conda":{"a-1.0-0.conda":{}}})").front().find("no channel has a package") !=
          std::string::npos);
}

TEST_CASE("bad record: what would become a path cannot lead elsewhere") {
    for (const auto* build : {R"("../../x_0")", R"("a/b")", R"("a\\b")", R"("x\n0")", R"("\u007f")"}) {
        INFO(build);
        CHECK(chosen({{"build", build}}) == kBad);
    }
    CHECK(chosen({{"build", '"' + std::string(244, 'x') + '"'}}) == kGood);
    CHECK(chosen({{"build", '"' + std::string(245, 'x') + '"'}}) == kBad);
    for (const auto* path : {R"("../../lib")", R"("/lib")", R"("lib/../../x")"}) {
        INFO(path);
        CHECK(chosen({{"python_site_packages_path", path}}) == kBad);
    }
    for (const auto* version : {R"("../2.0")", R"("2.0/x")", R"("2.0\n")", R"("2.0 x")"}) {
        INFO(version);
        CHECK(chosen({{"version", version}}) == (std::string(version) == R"("2.0\n")" ? kGood : kBad));  // trimmed
    }
    for (const std::string file :
         {"../a-2.0-0.conda", "/a-2.0-0.conda", "a\\\\2.0.conda", ".a-2.0-0.conda", "", "..", "a\\u002d2.0-0.conda"}) {
        INFO(file);
        CHECK(answer({"a"}, R"({"packages.conda":{)" + record_text() + R"(,")" + file + '"' +
                                record_text({{"version", R"("2.0")"}}).substr(15) + "}}") == Files{kBad});
    }
    CHECK(answer({"a"}, repodata_text({record_text({{"version", R"("2.0")"}}, std::string(250, 'f') + ".conda")}))
              .front()
              .starts_with("no answer"));
    CHECK(answer({"a"}, repodata_text({record_text({}, std::string(249, 'f') + ".conda")})).front().size() == 255);
    // No name of a package can be written so: such a record lies where nobody comes to.
    for (const std::string name : {"../a", "a/b", "a b", "a\\nb", "a\\u0000", "\\u0061", "A", "\xc3\xa4", "", "."}) {
        INFO(name);
        const auto repodata = repodata_text({record_text({{"name", '"' + name + '"'}}, "x-1.0-0.conda"),
                                             record_text({{"depends", one(name)}}, "a-2.0-0.conda"), record_text()});
        CHECK(answer({"a"}, repodata) == Files{kBad});
    }
}

TEST_CASE("bad record: numbers of any size") {
    // One that cannot be read leaves the record out; no number is cut to what fits.
    for (const std::string member : {"build_number", "timestamp", "size"}) {
        for (const std::string number : {"9223372036854775808", "18446744073709551616", "-9223372036854775809", "1e400",
                                         "-1e5", "-0.5", "1e16", "01", "1.", "+1", "0x10", "NaN", "Infinity"}) {
            INFO(member << ": " << number);
            CHECK(chosen({{member, number}}) == kBad);
        }
        for (const std::string number : {"4294967296", "9223372036854775807", "1e3", "1.0", "0", "-0", "9e15"}) {
            if (number == "9e15") continue;
            INFO(member << ": " << number);
            CHECK(chosen({{member, number}}) == kGood);
        }
        CHECK(chosen({{member, "1" + std::string(1 << 20, '0')}}) == kBad);
    }
    CHECK(chosen({{"size", "-1"}}) == kBad);
    const auto number = [](const std::string& text) {
        return record_text(
            {{"build_number", text}, {"build", '"' + std::string("b") + (text[0] == '-' ? "m" : text) + '"'}});
    };
    CHECK(answer({"a"}, repodata_text({number("9223372036854775806"), number("9223372036854775807"), number("-1")})) ==
          Files{"a-1.0-b9223372036854775807.conda"});
    CHECK(answer({"a"}, repodata_text({number("-1"), number("0")})) == Files{"a-1.0-b0.conda"});
}

TEST_CASE("bad record: hashes that are none") {
    const std::string hex(64, 'a'), md5 = '"' + std::string(32, 'b') + '"';
    for (const std::string& hash : {std::string(63, 'a'), std::string(65, 'a'), std::string(32, 'a'),
                                    std::string(63, 'a') + "g", std::string(64, ' '), "sha256:" + hex, std::string()}) {
        INFO(hash);
        CHECK(chosen({{"sha256", '"' + hash + '"'}}) == kBad);
    }
    CHECK(chosen({{"sha256", '"' + std::string(64, 'A') + '"'}}) == kGood);
    for (const std::string& hash : {std::string(31, 'b'), std::string(32, 'z'), std::string(33, 'b')}) {
        INFO(hash);
        CHECK(chosen({{"md5", '"' + hash + '"'}}) == kBad);
    }
    const auto only_md5 = repodata_text({record_text({{"sha256", ""}, {"md5", md5}})});
    CHECK_THAT(answer({"a"}, only_md5).front(), Catch::Contains("a-1.0-0 has no sha256"));
    auto provider = provider_of({read(only_md5)});
    auto insisting = request({"a"});
    insisting.allow_missing_sha256 = true;
    CHECK(solve::solve(insisting, provider).packages.size() == 1);
}

TEST_CASE("bad record: the platform of another list") {
    for (const auto* subdir : {"osx-64", "linux-aarch64", "win-64"}) {
        INFO(subdir);
        CHECK(chosen({{"subdir", '"' + std::string(subdir) + '"'}}) == kBad);
    }
    for (const auto* subdir : {"linux-64", "noarch", "linux-64-fast", ""}) {
        INFO(subdir);
        CHECK(chosen({{"subdir", '"' + std::string(subdir) + '"'}}) == kGood);
    }
    auto noarch = provider_of({read(repodata_text({record_text({{"subdir", R"("osx-64")"}})}), "noarch")});
    const auto packages = solve::solve(request({"a"}), noarch).packages;
    REQUIRE(packages.size() == 1);
    CHECK(packages.front().subdir == "noarch");
    CHECK(packages.front().url.to_string() == kTextChannel + "/noarch/a-1.0-0.conda");
}

TEST_CASE("bad record: what it depends on is no list of specs") {
    for (const std::string depends :
         {R"("b")", R"([null])", R"(["b", null])", R"([["b"]])", R"({"b":"1"})", R"([""])", R"([" "])", R"(["b >="])",
          R"(["=1"])", R"(["b 1 2 3 ["])", R"(["b c d[x="])", R"(["*"])", R"(["b*"])", R"(["../b"])"}) {
        INFO(depends);
        const auto repodata = repodata_text({record_text(), record_text({{"name", R"("b")"}}),
                                             record_text({{"version", R"("2.0")"}, {"depends", depends}})});
        CHECK(answer({"a"}, repodata) == Files{kBad});
    }
    // conda takes blanks off.
    CHECK(answer({"a"}, repodata_text({record_text({{"depends", R"([" b\n"])"}}),
                                       record_text({{"name", R"("b")"}})})) == Files{kBad, "b-1.0-0.conda"});
    CHECK_THAT(answer({"a"}, repodata_text({record_text({{"depends", R"("b")"}})})).front(),
               Catch::Contains("a 1.0=0 cannot be read: a-1.0-0.conda: 'depends' should be a list of texts"));
    CHECK_THAT(answer({"a"}, repodata_text({record_text({{"depends", R"(["b \u0007\u00e4 >="])"}})})).front(),
               Catch::Contains("a 1.0=0 cannot be read: its dependency 'b ?ä >=' does not parse"));
}

TEST_CASE("bad record: where nothing is left of a name, the message says what the channel holds") {
    const auto bad = record_text({{"build_number", "[]"}});
    const auto why = answer({"a"}, repodata_text({bad})).front();
    CHECK_THAT(why, Catch::Contains("one record cannot be used: a-1.0-0.conda: 'build_number' should be a number"));
    CHECK_THAT(answer({"a"}, repodata_text({bad, record_text({{"build", "1"}}, "x.conda")})).front(),
               Catch::Contains("2 records cannot be used, the first: a-1.0-0.conda"));
    CHECK_THAT(answer({"a >=2"}, repodata_text({record_text(), record_text({{"version", R"("2/0")"}})})).front(),
               Catch::Contains("there is only a 1.0; one record cannot be used: a-2_0-0.conda: invalid version"));
    CHECK_THAT(answer({"a"}, repodata_text({record_text({{"subdir", R"("osx-64")"}})})).front(),
               Catch::Contains("a-1.0-0.conda: it is for osx-64, but listed in linux-64"));
    CHECK_THAT(answer({"a"}, repodata_text({record_text({{"record_version", "2"}})})).front(),
               Catch::Contains("its record_version is 2"));
}

TEST_CASE("bad record: packages that need themselves or each other") {
    CHECK(answer({"a"}, repodata_text({record_text({{"depends", one("a")}})})) == Files{kBad});
    CHECK(answer({"a"}, repodata_text({record_text({{"depends", one("a >=1")}})})) == Files{kBad});
    CHECK(answer({"a"}, repodata_text({record_text({{"depends", one("a >=2")}})})).front().starts_with("no answer"));
    CHECK(answer({"a"}, repodata_text({record_text({{"depends", one("b")}}),
                                       record_text({{"name", R"("b")"}, {"depends", one("a")}})})) ==
          Files{kBad, "b-1.0-0.conda"});
    // The newer pair does not close its circle.
    CHECK(answer({"a"}, repodata_text(
                            {record_text({{"depends", one("b")}}),
                             record_text({{"version", R"("2.0")"}, {"depends", one("b 2.0")}}),
                             record_text({{"name", R"("b")"}}),
                             record_text({{"name", R"("b")"}, {"version", R"("2.0")"}, {"depends", one("a 1.0")}})})) ==
          Files{kBad, "b-2.0-0.conda"});
}

TEST_CASE("bad channel: the same package more than once") {
    const auto with = [](const std::string& mark) { return Members{{"license", '"' + mark + '"'}}; };
    const auto license = [](CandidateProvider& provider) {
        const auto packages = solve::solve(request({"a"}), provider).packages;
        REQUIRE(packages.size() == 1);
        return packages.front().license + " " + packages.front().url.to_string();
    };
    SECTION("the same file twice in one list: as conda, the last counts") {
        auto provider = provider_of({read(repodata_text({record_text(with("first")), record_text(with("last"))}))});
        CHECK(license(provider) == "last " + kTextChannel + "/linux-64/a-1.0-0.conda");
    }
    SECTION("as .conda and .tar.bz2, whichever comes first") {
        const auto tar = record_text(with("tar"), "a-1.0-0.tar.bz2"), conda = record_text(with("conda"));
        for (const auto& text : {R"({"packages":{)" + tar + R"(},"packages.conda":{)" + conda + "}}",
                                 R"({"packages.conda":{)" + conda + R"(},"packages":{)" + tar + "}}",
                                 R"({"packages.conda":{)" + conda + "," + tar + "}}"}) {
            auto provider = provider_of({read(text)});
            CHECK(license(provider).starts_with("conda "));
        }
    }
    SECTION("a .tar.bz2 whose .conda is there is not looked at, whatever is wrong with that: as conda") {
        const auto tar = record_text(with("tar"), "a-1.0-0.tar.bz2");
        for (const auto& [conda, why] : std::vector<std::pair<std::string, std::string>>{
                 {record_text({{"build_number", "true"}}), "one record cannot be used: a-1.0-0.conda"},
                 {record_text({{"revoked", "true"}}), "no channel has a package of this name"},
                 {record_text({{"sha256", ""}}), "a-1.0-0 has no sha256"}}) {
            INFO(conda);
            auto provider = provider_of({read(R"({"packages":{)" + tar + R"(},"packages.conda":{)" + conda + "}}")});
            CHECK_THAT(answer({"a"}, provider).front(), Catch::Contains(why));
        }
    }
    SECTION("of one version and build in two files: one of them, whatever the order") {
        const auto a = record_text(with("x"), "x.conda"), b = record_text(with("y"), "y.conda");
        auto one = provider_of({read(repodata_text({a, b}))}), other = provider_of({read(repodata_text({b, a}))});
        CHECK(license(one) == license(other));
    }
    SECTION("in the platform's folder and in noarch: one of them, whatever the order") {
        const auto platform = read(repodata_text({record_text(with("x"))})),
                   noarch = read(repodata_text({record_text(with("y"))}), "noarch");
        auto one = provider_of({platform, noarch}), other = provider_of({noarch, platform});
        CHECK(license(one) == license(other));
    }
    SECTION("in two channels: the channel of higher priority") {
        const auto x = read(repodata_text({record_text(with("x"))}), "linux-64", "https://channel.test/x"),
                   y = read(repodata_text({record_text(with("y"))}), "linux-64", "https://channel.test/y");
        for (const auto priority : {ChannelPriority::Strict, ChannelPriority::Flexible, ChannelPriority::Disabled}) {
            auto one = provider_of(std::vector<Subdirs>{{x}, {y}}, priority);
            auto other = provider_of(std::vector<Subdirs>{{y}, {x}}, priority);
            CHECK(license(one).starts_with("x "));
            CHECK(license(other).starts_with("y "));
        }
    }
}

TEST_CASE("bad channel: a channel whose records of a name are all refused still goes before the others") {
    const auto other =
        read(repodata_text({record_text({{"version", R"("9.0")"}})}), "linux-64", "https://public.test/x");
    const auto refused = [&](const std::string& text) {
        const auto team = read(text, "linux-64", "https://team.test/x");
        auto strict = provider_of(std::vector<Subdirs>{{team}, {other}}, ChannelPriority::Strict);
        CHECK_THAT(answer({"a"}, strict).front(), Catch::Contains("no answer"));
        // Who wants a public one instead says so.
        auto flexible = provider_of(std::vector<Subdirs>{{team}, {other}}, ChannelPriority::Flexible);
        CHECK(answer({"a"}, flexible) == Files{"a-9.0-0.conda"});
        CHECK(answer({"public.test/x::a"}, flexible) == Files{"a-9.0-0.conda"});
    };
    refused(repodata_text({record_text({{"revoked", "true"}})}));
    refused(repodata_text({record_text({{"build_number", "[]"}})}));
    refused(R"({"packages.conda":{)" + record_text() + R"(},"removed":["a-1.0-0.conda"]})");
}

TEST_CASE("bad channel: \"removed\" and others that name what is not there, or are of another type") {
    for (const std::string extra :
         {R"("removed":["zzz-1.0-0.conda","../x"])", R"("removed":{})", R"("removed":[1,null,["a-1.0-0.conda"]])",
          R"("removed":null)", R"("removed":"a-1.0-0.conda")", R"("info":null)", R"("info":[])", R"("info":7)",
          R"("info":{"base_url":7})", R"("info":{"subdir":null})", R"("repodata_version":"x")", R"("signatures":[])",
          R"("":{})"}) {
        INFO(extra);
        CHECK(answer({"a"}, R"({"packages.conda":{)" + record_text() + "}," + extra + "}") == Files{kBad});
        CHECK(answer({"a"}, "{" + extra + R"(,"packages.conda":{)" + record_text() + "}}") == Files{kBad});
    }
    CHECK_THAT(answer({"a"}, R"({"packages.conda":{)" + record_text() + R"(},"removed":["a-1.0-0.conda"]})").front(),
               Catch::Contains("no answer"));
    for (const std::string packages : {"[]", "null", "7", R"("x")"}) {
        INFO(packages);
        try {
            (void)answer({"a"}, R"({"packages":)" + packages + "}");
            FAIL("it was taken");
        } catch (const Error& error) {
            CHECK(error.kind() == ErrorKind::Corrupt);
            CHECK_THAT(error.message(), Catch::Contains("/linux-64/repodata.json"));
        }
    }
}
