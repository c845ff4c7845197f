// What the machine's own settings make of an intent: .condarc, CONDA_OVERRIDE_*, the site's configuration.
#include "build/intent.hpp"

#include <catch2/catch.hpp>

#include "base/fs.hpp"
#include "support/recording_reporter.hpp"

using namespace envbuild;
using namespace envbuild::build;
using Catch::Contains;

namespace {

class NotingReporter : public testing::RecordingReporter {
  public:
    void note(std::string_view message) override { notes.emplace_back(message); }
    std::vector<std::string> notes;
};

// A home with an environment file; `env` is what differs between machines.
struct Machine {
    TempDir home{"intent-test"};
    std::map<std::string, std::string, std::less<>> env;
    NotingReporter reporter;

    Machine() {
        env["HOME"] = home.path().string();
        write("env.yml", "dependencies: [numpy]\n");
    }
    void write(const std::string& name, const std::string& text) const { write_file_atomic(home.path() / name, text); }
    [[nodiscard]] IntentOptions options() const {
        IntentOptions options;
        options.environment = (home.path() / "env.yml").string();
        return options;
    }
    std::vector<Intent> read(const IntentOptions& options, const std::vector<std::string>& platforms = {}) {
        std::vector<std::string> warnings;
        const ProcessEnv process(env);
        const Workbench bench(process, load_settings(process, {}, warnings), CancelToken(), reporter);
        return read_intents(options, platforms, bench);
    }
    std::string hash(const IntentOptions& options) { return read(options).front().hash.hex(); }
    std::string refusal(const IntentOptions& options, const std::vector<std::string>& platforms = {}) {
        try {
            static_cast<void>(read(options, platforms));
        } catch (const Error& error) {
            CHECK(error.kind() == ErrorKind::InvalidInput);
            return error.message() + "\n" + error.hint();
        }
        return "taken";
    }
};

std::string cpu(const Intent& intent) {
    return intent.spec().gpu.target_cpu;
}

}  // namespace

TEST_CASE("intent: the pins of .condarc count, and so do those of the command line") {
    Machine machine;
    auto options = machine.options();
    const auto plain = machine.hash(options);
    machine.write(".condarc", "pinned_packages:\n  - numpy 1.26.*\n");
    const auto pinned = machine.hash(options);
    CHECK(pinned != plain);
    const auto pins = machine.read(options).front().spec().pins;
    REQUIRE(pins.size() == 1);
    CHECK(pins.front().spec.canonical() == "numpy 1.26.*");
    CHECK(pins.front().origin == (machine.home.path() / ".condarc").string());

    options.ignore_pins = true;
    CHECK(machine.hash(options) == plain);
    options.pins = {"numpy=1.26"};
    CHECK(machine.hash(options) == pinned);
}

TEST_CASE("intent: a pin that cannot be used is an error, unless it is left out") {
    Machine machine;
    auto options = machine.options();
    for (const auto* list : {"[numpy >>1]", "['*[build=cuda*]']", "numpy", "[{numpy: 1}]"}) {
        INFO(list);
        machine.write(".condarc", "pinned_packages: " + std::string(list) + "\n");
        options.ignore_pins = false;
        CHECK_THAT(machine.refusal(options),
                   Contains((machine.home.path() / ".condarc").string()) && Contains("--no-pin"));
        options.ignore_pins = true;
        CHECK(machine.refusal(options) == "taken");
    }
    options.pins = {"numpy >>1"};
    CHECK_THAT(machine.refusal(options), Contains("--pin") && Contains("numpy >>1") && !Contains(".condarc"));
}

TEST_CASE("intent: channel_priority is the setting's, then .condarc's, then strict") {
    Machine machine;
    const auto options = machine.options();
    const auto priority = [&] { return machine.read(options).front().spec().channel_priority; };
    const auto plain = machine.hash(options);
    CHECK(priority().empty());
    machine.write(".condarc", "channel_priority: true\n");
    CHECK(priority() == "flexible");
    CHECK(machine.hash(options) != plain);
    machine.env["ENVBUILD_CHANNEL_PRIORITY"] = "disabled";
    CHECK(priority() == "disabled");
    machine.env["ENVBUILD_CHANNEL_PRIORITY"] = "strict";
    CHECK(machine.hash(options) == plain);
    machine.write(".condarc", "channel_priority: first\n");
    CHECK(machine.hash(options) == plain);
    machine.env.erase("ENVBUILD_CHANNEL_PRIORITY");
    CHECK_THAT(machine.refusal(options), Contains(".condarc: channel_priority is 'first'"));
}

TEST_CASE("intent: a CPU counts for the platform that it is of") {
    Machine machine;
    auto options = machine.options();
    options.target_cpu = "skylake_avx512";
    SECTION("one platform: another one's is a mistake") {
        CHECK(cpu(machine.read(options, {"linux-64"}).front()) == "skylake_avx512");
        CHECK_THAT(machine.refusal(options, {"linux-aarch64"}),
                   Contains("'skylake_avx512' is a CPU of linux-64, not of linux-aarch64"));
        options.target_cpu = "neoverse_n1";
        CHECK_THAT(machine.refusal(options), Contains("is a CPU of linux-aarch64, not of linux-64"));
        options.target_cpu = "unheard_of";
        CHECK(cpu(machine.read(options, {"linux-aarch64"}).front()) == "unheard_of");
    }
    SECTION("several: it is for its own, and that is told") {
        const auto both = machine.read(options, {"linux-64", "linux-aarch64"});
        CHECK(cpu(both.front()) == "skylake_avx512");
        CHECK(cpu(both.back()).empty());
        REQUIRE(machine.reporter.notes.size() == 1);
        CHECK(machine.reporter.notes.front() ==
              "The CPU skylake_avx512 is for linux-64; linux-aarch64 is resolved for any CPU");
        // The other's intent is what it is without.
        CHECK(both.back().hash == machine.read(machine.options(), {"linux-aarch64"}).front().hash);
        CHECK_THAT(machine.refusal(options, {"linux-ppc64le", "linux-aarch64"}),
                   Contains("'skylake_avx512' is a CPU of none of linux-ppc64le, linux-aarch64"));
        options.target_cpu = "unheard_of";
        CHECK_THAT(machine.refusal(options, {"linux-64", "linux-aarch64"}), Contains("name one --platform"));
    }
    SECTION("the platforms of the file") {
        machine.write("env.yml", "dependencies: [numpy]\nplatforms: [linux-aarch64]\n");
        options.target_cpu = "neoverse_n1";
        CHECK(cpu(machine.read(options).front()) == "neoverse_n1");
    }
    SECTION("conda's override is an ask too, and wins") {
        machine.env["CONDA_OVERRIDE_ARCHSPEC"] = "haswell";
        CHECK(cpu(machine.read(options).front()) == "haswell");
        CHECK_THAT(machine.refusal(options, {"linux-aarch64"}), Contains("'haswell' is a CPU of linux-64"));
    }
    SECTION("what the site has set is for the nodes that it fits") {
        machine.env["ENVBUILD_TARGET_CPU"] = "x86_64_v3";
        options.target_cpu.clear();
        CHECK(cpu(machine.read(options).front()) == "x86_64_v3");
        CHECK(cpu(machine.read(options, {"linux-aarch64"}).front()).empty());
        CHECK(machine.reporter.notes.empty());
    }
}
