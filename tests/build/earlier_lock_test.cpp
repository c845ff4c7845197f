#include "build/earlier_lock.hpp"

#include "conda/match_spec.hpp"

using namespace envbuild;
using namespace envbuild::build;

namespace {

conda::PackageRecord record(const std::string& name, const std::string& version,
                            std::vector<std::string> depends = {}) {
    conda::PackageRecord record;
    record.name = name;
    record.version = value_or_throw(conda::Version::parse(version));
    record.build = "0";
    record.subdir = "linux-64";
    record.file_name = name + "-" + version + "-0.conda";
    record.depends = std::move(depends);
    record.channel = "https://channel.test/main";
    record.url = value_or_throw(Url::parse(record.channel + "/linux-64/" + record.file_name));
    record.sha256 = sha256(record.file_name);
    return record;
}

using Records = std::vector<conda::PackageRecord>;
using Dists = std::vector<std::string>;

Dists dists(const std::vector<conda::PackageRecord>& packages) {
    Dists list;
    for (const auto& package : packages) list.push_back(package.dist_name());
    std::ranges::sort(list);
    return list;
}

Dists solved(const Dists& asked, const Records& records, const Records& before, const Dists& update) {
    solve::Request request;
    for (const auto& text : asked) request.specs.push_back(value_or_throw(conda::MatchSpec::parse(text)));
    solve::ChannelCandidates provider(
        {{"https://channel.test/main", {std::make_shared<solve::ListedRecords>(records)}}},
        solve::ChannelPriority::Strict);
    EarlierLock earlier;
    earlier.lock.conda = before;
    earlier.update = update;
    return dists(solve_from(earlier, request, provider).packages);
}

}  // namespace

TEST_CASE("an updated dependency chooses before what keeps it back") {
    // app takes any lib; the tool that was locked beside it holds lib back, a newer one does not.
    const Records records{record("app", "1.0", {"lib", "tool"}),
                          record("lib", "1.0"),
                          record("lib", "2.0"),
                          record("lib", "3.0"),
                          record("tool", "1.0", {"lib <2"}),
                          record("tool", "2.0", {"lib <3"}),
                          record("other", "1.0"),
                          record("other", "2.0")};
    const Records before{records[0], records[1], records[4], records[6]};
    CHECK(solved({"app", "other"}, records, before, {}) ==
          Dists{"app-1.0-0", "lib-1.0-0", "other-1.0-0", "tool-1.0-0"});
    // tool follows, as it must; other stays.
    CHECK(solved({"app", "other"}, records, before, {"lib"}) ==
          Dists{"app-1.0-0", "lib-2.0-0", "other-1.0-0", "tool-2.0-0"});
    // Two at once.
    CHECK(solved({"app", "other"}, records, before, {"lib", "other"}) ==
          Dists{"app-1.0-0", "lib-2.0-0", "other-2.0-0", "tool-2.0-0"});
}

TEST_CASE("an updated dependency is the newest that is still needed") {
    // The newest lib goes with no app that needs one.
    const Records records{record("app", "1.0", {"lib <3"}), record("app", "0.5"), record("lib", "1.0"),
                          record("lib", "2.0"), record("lib", "3.0")};
    const Records before{records[0], records[2]};
    CHECK(solved({"app"}, records, before, {"lib"}) == Dists{"app-1.0-0", "lib-2.0-0"});
}

TEST_CASE("an update of what nothing needs any more, or no channel has, fails nothing") {
    const Records records{record("app", "2.0"), record("lib", "1.0"), record("lib", "2.0")};
    const Records before{record("app", "1.0", {"lib", "gone"}), record("lib", "1.0"), record("gone", "1.0")};
    CHECK(solved({"app"}, records, before, {"lib"}) == Dists{"app-2.0-0"});
    CHECK(solved({"app"}, records, before, {"gone"}) == Dists{"app-2.0-0"});
}

TEST_CASE("an updated dependency that cannot be had takes nothing from the others") {
    // lib and util choose before the tool that keeps them back, whether or not something else is gone for good.
    const Records records{record("app", "1.0", {"lib", "tool", "util"}),
                          record("lib", "1.0"),
                          record("lib", "2.0"),
                          record("util", "1.0"),
                          record("util", "2.0"),
                          record("tool", "1.0", {"lib <2", "util <2"}),
                          record("tool", "0.9")};
    const Records before{records[0], records[1], records[3], records[5], record("gone", "1.0")};
    const Dists newest{"app-1.0-0", "lib-2.0-0", "tool-0.9-0", "util-2.0-0"};
    CHECK(solved({"app"}, records, before, {"lib", "util"}) == newest);
    CHECK(solved({"app"}, records, before, {"lib", "gone", "util"}) == newest);
    CHECK(solved({"app"}, records, {before.rbegin(), before.rend()}, {"gone", "lib", "util"}) == newest);
}

TEST_CASE("an updated dependency that only a circle of its own needs goes") {
    const Records records{record("app", "2.0"), record("docs", "1.0", {"theme"}), record("docs", "2.0", {"theme"}),
                          record("theme", "1.0", {"docs"})};
    const Records before{record("app", "1.0", {"docs"}), records[1], records[3]};
    CHECK(solved({"app"}, records, before, {"docs"}) == Dists{"app-2.0-0"});
}

TEST_CASE("an update is known where any platform's lock has it") {
    std::vector<lock::Lock> locks(2);
    locks[1].conda = {record("mkl", "1.0")};
    CHECK_NOTHROW(check_updates({"mkl"}, locks, {}));
    CHECK_THROWS_AS(check_updates({"mkll"}, locks, {}), Error);
}

TEST_CASE("several updates of which one is no package of the lock: the nearest name is said") {
    EarlierLock earlier;
    earlier.lock.conda = {record("urllib3", "1.0")};
    earlier.update = {"urllib3", "urlib3"};
    try {
        check_updates(earlier.update, std::span(&earlier.lock, 1), {});
        FAIL("taken");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::InvalidInput);
        CHECK_THAT(error.message(), Catch::Contains("'urlib3'"));
        CHECK(error.hint() == "did you mean 'urllib3'?");
    }
}
