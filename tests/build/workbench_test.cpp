#include "build/workbench.hpp"

#include <catch2/catch.hpp>

#include "cache/lookup.hpp"
#include "support/fake_registry.hpp"
#include "support/registry_run.hpp"

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

TEST_CASE("workbench: a login that is learned late reaches those who ask already") {
    const Bench home;
    testing::FakeRegistry server(testing::FakeRegistry::Auth::Basic, "bob", "hunter2");
    const auto bench = home.with(server.domain() + "/team/envs");
    const auto repository = bench->repository();
    const auto* context = &bench->registries();
    REQUIRE(std::holds_alternative<cache::Unknown>(cache::lookup(*repository, sha256("spec"))));
    bench->learn_registry_login(server.domain(), "bob", Secret("hunter2"));
    CHECK(&bench->registries() == context);
    CHECK(std::holds_alternative<cache::Miss>(cache::lookup(*repository, sha256("spec"))));
}

TEST_CASE("workbench: a token in a channel's URL is remembered for the channel without it") {
    const Bench home;
    const auto bench = home.with("");
    bench->learn_credentials({value_or_throw(Url::parse("https://conda.lab/t/to-ken/team"))});
    const auto asked =
        bench->http().credentials().wire_url(value_or_throw(Url::parse("https://conda.lab/team/noarch")));
    CHECK(asked.path() == "/t/to-ken/team/noarch");
}

TEST_CASE("workbench: what several steps come upon is warned of once") {
    const TempDir home("workbench-test");
    testing::RecordingReporter reporter;
    const Workbench bench(ProcessEnv({{"HOME", home.path().string()}}), {}, CancelToken(), reporter);
    for (const auto* text : {"one", "two", "one"}) bench.warn_once(text);
    CHECK(reporter.warnings() == std::vector<std::string>{"one", "two"});
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
