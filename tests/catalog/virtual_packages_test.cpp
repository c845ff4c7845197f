#include "catalog/virtual_packages.hpp"

using namespace envbuild;
using namespace envbuild::catalog;
using Map = std::map<std::string, std::string>;

namespace {

Target gpu_target() {
    return {{}, "2.35", "12.4", ""};
}

Map with(const Map& overrides, const Target& target = gpu_target()) {
    return value_or_throw(virtual_packages(target, overrides));
}

}  // namespace

TEST_CASE("the target's virtual packages") {
    CHECK(
        with({}) ==
        Map{{"__archspec", "1=x86_64"}, {"__cuda", "12.4"}, {"__glibc", "2.35"}, {"__linux", "5.10"}, {"__unix", "0"}});
    CHECK(with({}, {*conda::Platform::parse("linux-aarch64"), "2.36", "", ""}) ==
          Map{{"__archspec", "1=aarch64"}, {"__glibc", "2.36"}, {"__linux", "5.10"}, {"__unix", "0"}});
    CHECK(with({}, {{}, "2.35", "", "x86_64_v3"}).at("__archspec") == "1=x86_64_v3");
}

TEST_CASE("an override wins, and an empty one takes the package away") {
    CHECK(with({{"__cuda", "11.8"}}).at("__cuda") == "11.8");
    CHECK_FALSE(with({{"__cuda", ""}}).contains("__cuda"));
    CHECK(with({{"__cuda", "11.8"}}, {{}, "2.35", "", ""}).at("__cuda") == "11.8");
    CHECK(with({{"__glibc", "2.17"}}).at("__glibc") == "2.17");
    CHECK(with({{"__linux", "6.1"}}).at("__linux") == "6.1");
    CHECK(with({{"__archspec", "zen3"}}).at("__archspec") == "1=zen3");
    const auto bad = virtual_packages(gpu_target(), {{"__cuda", "new est"}});
    REQUIRE_FALSE(bad);
    CHECK(bad.error().kind() == ErrorKind::InvalidInput);
}
