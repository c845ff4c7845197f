// Properties of MatchSpec::canonical over generated specs.
#include <catch2/catch.hpp>
#include <map>
#include <random>

#include "conda/match_spec.hpp"
#include "conda/package_record.hpp"

using namespace envbuild;
using namespace envbuild::conda;

namespace {

class Generator {
  public:
    std::string spec() {
        std::string text = pick({"numpy", "NumPy", "num*", "*", "numpy-base", "_x"});
        if (chance(4)) text = pick({"a::", "https://h/c::", "a/linux-64::", "*/noarch::", "x:y:", "z:"}) + text;
        switch (number(6)) {
            case 0:
                break;
            case 1:
                text += "=" + version() + (chance(3) ? "=" + build() : "");
                break;
            case 2:
                text += "==" + version() + (chance(3) ? "=" + build() : "");
                break;
            case 3:
                text += " " + expression() + (chance(3) ? " " + build() : "");
                break;
            default:
                text += pick({"", " "}) + pick({">=", "<", "!=", "~=", "=>", ""}) + expression();
                break;
        }
        if (chance(3)) text += brackets();
        return text;
    }

    PackageRecord record() {
        PackageRecord record;
        record.name = pick({"numpy", "numpy-base", "_x"});
        record.version =
            value_or_throw(Version::parse(pick({"1", "1.0", "1.0a1", "1.2", "1.2.3", "1.2.9", "2.0", "1!1", "1.0_1"})));
        record.build = pick({"py38_0", "py39_0", "cuda_1", "0", "a'b"});
        record.build_number = static_cast<std::int64_t>(number(4));
        record.subdir = pick({"linux-64", "noarch"});
        record.license = pick({"MIT", "GPL-3.0"});
        record.md5 = chance(2) ? "d41d8cd98f00b204e9800998ecf8427e" : "";
        return record;
    }

  private:
    std::size_t number(std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(random_); }
    bool chance(std::size_t n) { return number(n) == 0; }
    std::string pick(std::initializer_list<const char*> choices) {
        return *(choices.begin() + static_cast<std::ptrdiff_t>(number(choices.size())));
    }
    std::string version() {
        return pick({"1", "1.0", "1.2", "1.2.3", "1.2.*", "1*", "*", "1.0-1", "1!1", "1.0a1", "1.*.3", "1@x", "^1.*$"});
    }
    std::string build() { return pick({"py38_0", "py*", "*", "*_0", "^py.*$", "0", "a'b", "^py(38|39)_0$"}); }
    std::string expression() {
        std::string text = pick({"", ">=", "<", "!=", "==", "="}) + version();
        while (chance(3)) text += pick({",", "|", " , ", "| "}) + pick({">=", "<", "!=", "==", "="}) + version();
        return text;
    }
    std::string brackets() {
        std::string text = pick({"[", " ["});
        for (std::size_t i = 0, n = 1 + number(3); i < n; ++i) {
            if (i > 0) text += pick({",", " ", ", "});
            switch (number(8)) {
                case 0:
                    text += "version='" + expression() + "'";
                    break;
                case 1:
                    text += "build=" + build();
                    break;
                case 2:
                    text += "build='" + build() + "'";
                    break;
                case 3:
                    text += pick({"build_number=1", "build_number='>=2'", "build_number='=3'", "build_number=x"});
                    break;
                case 4:
                    text += pick({"subdir=noarch", "channel=b/linux-64", "channel='https://h/d'"});
                    break;
                case 5:
                    text += pick({"license=MIT", "license='GPL*'", "license_family=x"});
                    break;
                case 6:
                    text += pick({"md5=d41d8cd98f00b204e9800998ecf8427e", "features='a b'", "track_features=b",
                                  "fn=a-1-0.conda"});
                    break;
                default:
                    text += pick({"junk", "url=https://h/a-1-0.conda", "when=x", "flags=cpu", "optional=1"});
                    break;
            }
        }
        return text + "]";
    }

    std::mt19937 random_{42};
};

}  // namespace

TEST_CASE("canonical match specs are fixpoints, and equal ones match the same records") {
    Generator generator;
    std::vector<PackageRecord> records;
    for (int i = 0; i < 60; ++i) records.push_back(generator.record());
    std::map<std::string, std::vector<bool>> meanings;
    int parsed_count = 0, strict_count = 0, shared = 0;
    for (int i = 0; i < 30000; ++i) {
        const std::string text = generator.spec();
        const auto parsed = MatchSpec::parse(text, Dialect::Conda);
        if (const auto strict = MatchSpec::parse(text)) {
            ++strict_count;
            INFO(text);
            REQUIRE(parsed);  // strict never takes what conda refuses, and reads the same
            REQUIRE(strict->canonical() == parsed->canonical());
        }
        if (!parsed) continue;
        ++parsed_count;
        const std::string canonical = parsed->canonical();
        INFO(text << " -> " << canonical);
        const auto again = MatchSpec::parse(canonical, Dialect::Conda);
        REQUIRE(again);
        REQUIRE(again->canonical() == canonical);
        REQUIRE(again->channel() == parsed->channel());
        std::vector<bool> meaning;
        for (const PackageRecord& record : records) {
            meaning.push_back(parsed->matches(record));
            REQUIRE(again->matches(record) == meaning.back());
        }
        const auto [place, is_new] = meanings.emplace(canonical, meaning);
        if (!is_new) ++shared;
        REQUIRE(place->second == meaning);
    }
    CHECK(parsed_count > 15000);
    CHECK(strict_count > 8000);
    CHECK(shared > 3000);
}
