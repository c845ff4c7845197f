#include "solve/solver.hpp"

#include <algorithm>
#include <set>

#include "solve/records_support.hpp"
#include "solve/repodata_source.hpp"
#include "solve/virtual_packages.hpp"

using namespace envbuild;
using namespace envbuild::solve;
using namespace envbuild::solve::test;

using Dists = std::vector<std::string>;

TEST_CASE("a request gets the highest version and what it needs, no more") {
    CHECK(solve_dists({"app"}, {record("app-1.0-0", {"lib >=1"}), record("app-2.0-0", {"lib >=2,<3"}),
                                record("lib-1.0-0"), record("lib-2.5-0"), record("lib-3.0-0"),
                                record("other-1.0-0")}) == Dists{"app-2.0-0", "lib-2.5-0"});
}

TEST_CASE("requested names go before dependencies, and python after other requested names") {
    const std::vector<conda::PackageRecord> records = {record("python-3.11-0"), record("python-3.12-0"),
                                                       record("torch-1.0-py312_0", {"python 3.12.*"}),
                                                       record("torch-2.0-py311_0", {"python 3.11.*"})};
    CHECK(solve_dists({"python", "torch"}, records) == Dists{"python-3.11-0", "torch-2.0-py311_0"});
    CHECK(solve_dists({"torch", "python"}, records) == Dists{"python-3.11-0", "torch-2.0-py311_0"});
    CHECK(solve_dists({"torch", "python=3.12"}, records) == Dists{"python-3.12-0", "torch-1.0-py312_0"});
}

TEST_CASE("of several builds of one version the one for the best python is taken") {
    // The newest timestamp lies on the build for the older Python: it only breaks ties.
    auto old_python = record("numpy-1.26-py310_0", {"python 3.10.*"});
    old_python.timestamp = 2000;
    auto new_python = record("numpy-1.26-py311_0", {"python 3.11.*"});
    new_python.timestamp = 1000;
    CHECK(solve_dists({"numpy"}, {record("python-3.10-0"), record("python-3.11-0"), old_python, new_python}) ==
          Dists{"numpy-1.26-py311_0", "python-3.11-0"});
}

TEST_CASE("the order of preference within a version") {
    SECTION("fewest track_features, even against a higher build number") {
        auto debug = record("lib-1.0-debug_5");
        debug.track_features = {"debug"};
        CHECK(solve_dists({"lib"}, {record("lib-1.0-plain_1"), debug}) == Dists{"lib-1.0-plain_1"});
    }
    SECTION("highest build number") {
        CHECK(solve_dists({"lib"}, {record("lib-1.0-a_1"), record("lib-1.0-b_3"), record("lib-1.0-c_2")}) ==
              Dists{"lib-1.0-b_3"});
    }
    SECTION("newest timestamp") {
        auto newer = record("lib-1.0-b_1");
        newer.timestamp = 10;
        CHECK(solve_dists({"lib"}, {record("lib-1.0-a_1"), newer, record("lib-1.0-c_1")}) == Dists{"lib-1.0-b_1"});
    }
    SECTION(".conda before .tar.bz2, then the build string") {
        auto tar = record("lib-1.0-a_1");
        tar.file_name = "lib-1.0-a_1.tar.bz2";
        CHECK(solve_dists({"lib"}, {tar, record("lib-1.0-c_1"), record("lib-1.0-b_1")}) == Dists{"lib-1.0-b_1"});
    }
}

TEST_CASE("constrains holds where the name is there, and pulls nothing in") {
    const std::vector<conda::PackageRecord> records = {record("app-1.0-0", {}, {"lib <2"}), record("lib-1.0-0"),
                                                       record("lib-2.0-0")};
    CHECK(solve_dists({"app"}, records) == Dists{"app-1.0-0"});
    CHECK(solve_dists({"app", "lib"}, records) == Dists{"app-1.0-0", "lib-1.0-0"});
}

TEST_CASE("constrains weighs virtual packages too") {
    auto provider = channel({record("app-1.0-0"), record("app-2.0-0", {}, {"__glibc >=2.28"})});
    auto asked = request({"app"});
    asked.virtual_packages = *virtual_records({{"__glibc", "2.17"}});
    CHECK(dists(solve::solve(asked, provider)) == Dists{"app-1.0-0"});
    asked.virtual_packages = *virtual_records({{"__glibc", "2.28"}});
    CHECK(dists(solve::solve(asked, provider)) == Dists{"app-2.0-0"});
}

TEST_CASE("a virtual package that is asked for is a demand on the target, and none of the answer's packages") {
    auto provider = channel({record("app-1.0-0")});
    auto asked = request({"app", "__glibc >=2.17", "__unix"});
    asked.virtual_packages = *virtual_records({{"__glibc", "2.28"}, {"__unix", "0"}});
    CHECK(dists(solve::solve(asked, provider)) == Dists{"app-1.0-0"});
    asked.virtual_packages = *virtual_records({{"__glibc", "2.12"}, {"__unix", "0"}});
    CHECK_THAT(why_not(asked, provider), Catch::Contains("__glibc >=2.17"));
}

TEST_CASE("pins hold only where the name is there") {
    auto provider = channel({record("app-1.0-0", {"lib"}), record("lib-1.0-0"), record("lib-2.0-0")});
    auto asked = request({"app"});
    asked.constraints = pins({"lib <2", "absent =1"});
    CHECK(sorted_dists(solve::solve(asked, provider)) == Dists{"app-1.0-0", "lib-1.0-0"});
}

TEST_CASE("what is held is kept where it can be") {
    auto provider = channel({record("app-1.0-0"), record("app-2.0-0"), record("lib-1.0-0"), record("lib-2.0-0")});
    auto asked = request({"app", "lib >=2"});
    for (const auto& name : {"app", "lib"}) {
        for (const auto& candidate : provider.offer(name, "").usable) {
            if (candidate.record->version.to_string() == "1.0") asked.held.push_back(*candidate.record);
        }
    }
    CHECK(sorted_dists(solve::solve(asked, provider)) == Dists{"app-1.0-0", "lib-2.0-0"});
}

TEST_CASE("of what is held and gone, the version is kept, in its newest build") {
    auto provider = channel({record("lib-1.0-a_0"), record("lib-1.0-a_2"), record("lib-1.0-a_1"), record("lib-2.0-a_0"),
                             record("lib-0.9-a_0"), record("app-1.0-a_0", {"lib 1.0 a_1"}), record("app-2.0-a_0")});
    auto asked = request({"lib"});
    asked.held = {record("lib-1.0-gone_0")};
    CHECK(sorted_dists(solve::solve(asked, provider)) == Dists{"lib-1.0-a_2"});
    // The file goes before other builds, and the version before all that is newer, but after what must be.
    for (const auto& candidate : provider.offer("lib", "").usable) {
        if (candidate.record->dist_name() == "lib-1.0-a_0") asked.held = {*candidate.record};
    }
    CHECK(sorted_dists(solve::solve(asked, provider)) == Dists{"lib-1.0-a_0"});
    asked.specs = specs({"lib", "app =1"});
    CHECK(sorted_dists(solve::solve(asked, provider)) == Dists{"app-1.0-a_0", "lib-1.0-a_1"});
    asked.specs = specs({"lib >1"});
    CHECK(sorted_dists(solve::solve(asked, provider)) == Dists{"lib-2.0-a_0"});
}

TEST_CASE("channel priority") {
    const auto of = [](ChannelPriority priority, const std::vector<std::string>& texts) {
        auto provider = channels({{"first", {record("lib-1.0-0"), record("only-1.0-0")}},
                                  {"second", {record("lib-2.0-0"), record("more-1.0-0", {"lib >=2"})}}},
                                 priority);
        return sorted_dists(solve::solve(request(texts), provider));
    };
    CHECK(of(ChannelPriority::Strict, {"lib"}) == Dists{"lib-1.0-0"});
    CHECK(of(ChannelPriority::Flexible, {"lib"}) == Dists{"lib-1.0-0"});
    CHECK(of(ChannelPriority::Disabled, {"lib"}) == Dists{"lib-2.0-0"});
    CHECK(of(ChannelPriority::Flexible, {"more"}) == Dists{"lib-2.0-0", "more-1.0-0"});
    CHECK_THROWS_AS(of(ChannelPriority::Strict, {"more"}), Error);
    // A spec that names its channel goes before strict priority, by URL or by the URL's end.
    CHECK(of(ChannelPriority::Strict, {"https://channel.test/second::lib"}) == Dists{"lib-2.0-0"});
    CHECK(of(ChannelPriority::Strict, {"second::lib", "more"}) == Dists{"lib-2.0-0", "more-1.0-0"});
}

TEST_CASE("the answer does not depend on the order of the request") {
    const std::vector<conda::PackageRecord> records = {record("a-1.0-0"),      record("a-2.0-0", {"shared <2"}),
                                                       record("b-1.0-0"),      record("b-2.0-0", {"shared >=2"}),
                                                       record("shared-1.0-0"), record("shared-2.0-0")};
    CHECK(solve_dists({"a", "b"}, records) == Dists{"a-2.0-0", "b-1.0-0", "shared-1.0-0"});
    CHECK(solve_dists({"b", "a"}, records) == Dists{"a-2.0-0", "b-1.0-0", "shared-1.0-0"});
}

TEST_CASE("packages without sha256 are left out unless the user insists") {
    std::vector<conda::PackageRecord> records = {record("lib-1.0-0"), record("lib-2.0-0")};
    auto provider = channel(records);
    ListedRecords bare({[&] {
        auto without = *provider.offer("lib", "").usable[1].record;
        without.sha256.reset();
        return without;
    }()});
    ChannelCandidates candidates({{"https://channel.test/main", {std::make_shared<ListedRecords>(bare)}}});
    CHECK_THAT(why_not(request({"lib"}), candidates), Catch::Contains("no sha256"));
    auto asked = request({"lib"});
    asked.allow_missing_sha256 = true;
    CHECK(dists(solve::solve(asked, candidates)) == Dists{"lib-2.0-0"});
}

TEST_CASE("a package whose metadata does not parse is never taken") {
    CHECK(solve_dists({"lib"}, {record("lib-1.0-0"), record("lib-2.0-0", {"dep >=1,,"}), record("dep-1.0-0")}) ==
          Dists{"lib-1.0-0"});
}

TEST_CASE("an empty request has an empty answer") {
    auto provider = channel({record("lib-1.0-0")});
    CHECK(solve::solve(request({}), provider).packages.empty());
}

TEST_CASE("a pattern is no package") {
    auto provider = channel({record("lib-1.0-0")});
    try {
        (void)solve::solve(request({"li*"}), provider);
        FAIL("a pattern was taken");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::InvalidInput);
    }
}

TEST_CASE("a cancelled solve stops") {
    auto provider = channel({record("lib-1.0-0")});
    const CancelToken cancel;
    cancel.cancel();
    CHECK_THROWS_AS(solve::solve(request({"lib"}), provider, cancel), Error);
}

TEST_CASE("packages that need each other are one answer") {
    CHECK(solve_dists({"python"}, {record("python-3.12-0", {"pip"}), record("pip-24.0-0", {"python >=3.8"})}) ==
          Dists{"pip-24.0-0", "python-3.12-0"});
}

namespace {

// Which names are asked for.
class WatchedCandidates : public CandidateProvider {
  public:
    explicit WatchedCandidates(CandidateProvider& inner) : inner_(inner) {}
    Offer offer(const std::string& name, const std::string& channel) override {
        CHECK(asked_.insert(name).second);
        return inner_.offer(name, channel);
    }
    std::vector<std::string> names() override { return inner_.names(); }
    [[nodiscard]] ChannelPriority priority() const override { return inner_.priority(); }
    [[nodiscard]] const std::set<std::string>& asked() const { return asked_; }

  private:
    CandidateProvider& inner_;
    std::set<std::string> asked_;
};

}  // namespace

TEST_CASE("only names that the search needs are looked at, each once") {
    auto provider = channel({record("app-1.0-0", {"ancient"}), record("app-2.0-0", {"lib >=2"}, {"rare <1"}),
                             record("ancient-1.0-0"), record("lib-1.0-0", {"old"}), record("lib-2.0-0", {"base"}),
                             record("old-1.0-0"), record("base-1.0-0"), record("rare-1.0-0"), record("other-1.0-0")});
    WatchedCandidates watched(provider);
    CHECK(sorted_dists(solve::solve(request({"app"}), watched)) == Dists{"app-2.0-0", "base-1.0-0", "lib-2.0-0"});
    CHECK(watched.asked() == std::set<std::string>{"app", "base", "lib"});
}

TEST_CASE("an explanation looks only at names that the search looked at") {
    auto provider =
        channel({record("app-1.0-0", {"lib <2"}), record("tool-1.0-0", {"lib >=2"}), record("lib-1.0-0", {"ancient"}),
                 record("lib-1.5-0"), record("lib-2.0-0"), record("ancient-1.0-0")});
    WatchedCandidates watched(provider);
    CHECK_THAT(why_not(request({"app", "tool"}), watched), Catch::Contains("'app' and 'tool' cannot be had together"));
    CHECK(watched.asked() == std::set<std::string>{"app", "lib", "tool"});
}

TEST_CASE("a record that turns out to be unreadable when it is considered is not taken") {
    const auto record_text = [](const std::string& version, const std::string& depends) {
        return R"("a-)" + version + R"(-0.conda":{"name":"a","build":"0","build_number":0,"version":")" + version +
               R"(","depends":)" + depends + R"(,"sha256":")" + std::string(64, 'a') + R"("})";
    };
    const std::string url = "https://channel.test/main";
    const auto data = conda::RepoData::from_bytes(
        R"({"packages.conda":{)" + record_text("1.0", "[]") + "," + record_text("2.0", "7") + "}}",
        {url, "linux-64", "repodata.json"});
    ChannelCandidates provider(channel_sources({{conda::Channel("main", value_or_throw(Url::parse(url))), {data}}}));
    CHECK(sorted_dists(solve::solve(request({"a"}), provider)) == Dists{"a-1.0-0"});
    CHECK_FALSE(data->open("a")->read(1));
    CHECK_THAT(why_not(request({"a >=2"}), provider), Catch::Contains("a >=2"));
}

TEST_CASE("a channel in depends is what the settings make of its name, as for conda") {
    auto provider =
        channels({{"first", {record("lib-1.0-0"), record("app-1.0-0"), record("app-2.0-0", {"defaults::lib"})}},
                  {"second", {record("lib-2.0-0")}},
                  {"third", {record("lib-3.0-0")}}},
                 ChannelPriority::Flexible);
    auto asked = request({"app"});
    std::string defaults = "https://channel.test/second|https://channel.test/third";
    asked.channel_url = [&](const std::string& name) -> std::optional<std::string> {
        CHECK(name == "defaults");
        return defaults;
    };
    CHECK(sorted_dists(solve::solve(asked, provider)) == Dists{"app-2.0-0", "lib-2.0-0"});
    defaults = "https://channel.test/third";
    CHECK(sorted_dists(solve::solve(asked, provider)) == Dists{"app-2.0-0", "lib-3.0-0"});
    // Where the channel is not among those that are looked at, nothing fits.
    defaults = "https://repo.anaconda.com/pkgs/main";
    CHECK(sorted_dists(solve::solve(asked, provider)) == Dists{"app-1.0-0"});
    // What is no channel makes the record useless, and that is told.
    asked.channel_url = [](const std::string&) -> std::optional<std::string> { return std::nullopt; };
    const auto solution = solve::solve(asked, provider);
    CHECK(sorted_dists(solution) == Dists{"app-1.0-0"});
    REQUIRE(solution.notes.size() == 1);
    CHECK_THAT(solution.notes.front(),
               Catch::Contains("app-1.0-0 is taken, and 2.0 left out: ") && Catch::Contains("defaults::lib"));
}

TEST_CASE("a newer version in a channel of lower priority is told, but not to who named the channel") {
    auto provider =
        channels({{"first", {record("lib-1.0-0")}}, {"second", {record("lib-2.0-0")}}}, ChannelPriority::Strict);
    const auto solution = solve::solve(request({"lib"}), provider);
    REQUIRE(solution.notes.size() == 1);
    CHECK_THAT(solution.notes[0], Catch::Contains("lower priority"));
    CHECK(solve::solve(request({"first::lib"}), provider).notes.empty());
}

TEST_CASE("newer versions that cannot be used are told once, of packages of the answer alone") {
    auto provider = channel({record("app-1.0-0", {"lib"}), record("lib-1.0-0"), record("lib-0.5-0", {"a b c d e =="}),
                             record("lib-2.0-0", {"lib >=1,,"}), record("lib-2.0-1", {"lib >=1,,"}),
                             record("lib-3.0-0", {"lib >=1,,"}), record("other-1.0-0", {"lib >=1,,"})});
    const auto solution = solve::solve(request({"app"}), provider);
    CHECK(sorted_dists(solution) == Dists{"app-1.0-0", "lib-1.0-0"});
    REQUIRE(solution.notes.size() == 1);
    CHECK_THAT(solution.notes[0], Catch::StartsWith("lib-1.0-0 is taken, and 3.0, 2.0 left out: lib-3.0-0") &&
                                      Catch::Contains("does not parse"));
}
