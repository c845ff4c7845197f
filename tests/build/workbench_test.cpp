#include "build/workbench.hpp"

#include <catch2/catch.hpp>

#include "cache/lookup.hpp"
#include "support/fake_registry.hpp"

using namespace envbuild;
using namespace envbuild::build;

namespace {

struct Bench {
    TempDir home{"workbench-test"};

    [[nodiscard]] std::unique_ptr<Workbench> with(const std::string& registry) const {
        const ProcessEnv env({{"HOME", home.path().string()}});
        std::vector<std::string> warnings;
        auto settings = load_settings(env, {{"registry", registry}}, warnings);
        return std::make_unique<Workbench>(env, std::move(settings), CancelToken(), silent_reporter());
    }
};

}  // namespace

TEST_CASE("workbench: a relative layout is made absolute, one without a folder is refused") {
    const Bench bench;
    CHECK(bench.with("oci:images/../x")->repository()->name() == "oci:" + (fs::current_path() / "x").string());
    CHECK_THROWS_WITH(bench.with("oci:")->repository(), Catch::Contains("names no folder"));
    CHECK(bench.with("")->repository()->name() == bench.with("")->embedded_repository()->name());
}

TEST_CASE("workbench: a bad login file is unknown to a look-up at a registry, and nothing to one on the disk") {
    const Bench bench;
    write_file_atomic(bench.home.path() / ".docker/config.json", "{");
    const testing::FakeRegistry server;
    const auto remote = bench.with(server.domain() + "/team/envs");
    const auto result = cache::lookup(*remote->repository(), sha256("spec"));
    REQUIRE(std::holds_alternative<cache::Unknown>(result));
    CHECK_THAT(std::get<cache::Unknown>(result).error.message(), Catch::Contains("config.json"));
    CHECK(server.requests().empty());
    for (const auto& registry : std::vector<std::string>{"", "oci:" + (bench.home.path() / "images").string()}) {
        const auto local = bench.with(registry);
        CHECK(std::holds_alternative<cache::Miss>(cache::lookup(*local->repository(), sha256("spec"))));
    }
}
