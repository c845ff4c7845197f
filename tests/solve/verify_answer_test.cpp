#include "solve/verify_answer.hpp"

#include "solve/records_support.hpp"
#include "solve/virtual_packages.hpp"

using namespace envbuild;
using namespace envbuild::solve;
using namespace envbuild::solve::test;
using Catch::Contains;

namespace {

// Records as a channel gives them, with URL and sha256.
std::vector<conda::PackageRecord> placed(std::vector<conda::PackageRecord> records) {
    std::vector<conda::PackageRecord> all;
    for (auto& made : records) {
        const auto name = made.name;
        for (const auto& candidate : channel({std::move(made)}).offer(name, "").usable)
            all.push_back(*candidate.record);
    }
    return all;
}

// The faults as one text; "" for a sound answer.
std::string faults(const Request& request, std::vector<conda::PackageRecord> records) {
    std::string text;
    for (const auto& fault : faults_of_answer(request, placed(std::move(records)))) text += fault + "\n";
    return text;
}

}  // namespace

TEST_CASE("a sound answer has no fault") {
    CHECK(faults(request({}), {}).empty());
    CHECK(faults(request({"app >=1"}), {record("app-1.0-0", {"lib <2"}, {"other >=3", "app >=1"}), record("lib-1.0-0")})
              .empty());
}

TEST_CASE("every fault of an answer is told") {
    CHECK_THAT(faults(request({"app"}), {}), Contains("the request: app is not there"));
    CHECK_THAT(faults(request({"app >=2"}), {record("app-1.0-0")}),
               Contains("the request: app >=2 is not met by app-1.0-0"));
    CHECK_THAT(faults(request({"app"}), {record("app-1.0-0", {"lib"})}), Contains("app-1.0-0: lib is not there"));
    CHECK_THAT(faults(request({"app"}), {record("app-1.0-0", {"lib >=2"}), record("lib-1.0-0")}),
               Contains("app-1.0-0: lib >=2 is not met by lib-1.0-0"));
    CHECK_THAT(faults(request({"app", "lib"}), {record("app-1.0-0", {}, {"lib >=2"}), record("lib-1.0-0")}),
               Contains("app-1.0-0: lib >=2 is not met by lib-1.0-0"));
    CHECK_THAT(faults(request({"app"}), {record("app-1.0-0"), record("app-2.0-0")}), Contains("two packages of app"));
    CHECK_THAT(faults(request({"app"}), {record("app-1.0-0"), record("lib-1.0-0")}),
               Contains("nothing needs lib-1.0-0"));
    CHECK_THAT(faults(request({"app"}), {record("app-1.0-0", {"lib >=1,,"})}), Contains("does not parse"));
    CHECK_THAT(faults(request({"https://channel.test/other::app"}), {record("app-1.0-0")}),
               Contains("is from https://channel.test/main"));
    auto pinned = request({"app"});
    pinned.constraints = pins({"app <1"});
    CHECK_THAT(faults(pinned, {record("app-1.0-0")}), Contains("the request: app <1 is not met"));
}

TEST_CASE("needs of virtual packages are checked against the target") {
    auto asked = request({"app"});
    CHECK_THAT(faults(asked, {record("app-1.0-0", {"__cuda >=12"})}), Contains("__cuda >=12 is not there"));
    asked.virtual_packages = *virtual_records({{"__cuda", "11.8"}});
    CHECK_THAT(faults(asked, {record("app-1.0-0", {"__cuda >=12"})}), Contains("__cuda >=12 is not met"));
    asked.virtual_packages = *virtual_records({{"__cuda", "12.4"}});
    CHECK(faults(asked, {record("app-1.0-0", {"__cuda >=12"})}).empty());
}

TEST_CASE("a package without sha256 is a fault unless the user insists") {
    auto bare = placed({record("app-1.0-0")});
    bare.front().sha256.reset();
    auto asked = request({"app"});
    CHECK_FALSE(faults_of_answer(asked, bare).empty());
    asked.allow_missing_sha256 = true;
    CHECK(faults_of_answer(asked, bare).empty());
}
