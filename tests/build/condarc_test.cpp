#include "build/condarc.hpp"

#include <catch2/catch.hpp>

#include "base/fs.hpp"

using namespace envbuild;

TEST_CASE("a condarc file's variables come from the environment that it is read in") {
    const TempDir folder("condarc");
    const auto file = folder.path() / "condarc";
    write_file_atomic(file, "channel_alias: https://${CORP_HOST}/conda\ncustom_channels:\n  team: https://$ABSENT/x\n");
    const ProcessEnv env(
        {{"HOME", folder.path().string()}, {"CONDARC", file.string()}, {"CORP_HOST", "conda.corp.example"}});
    std::vector<std::string> warnings;
    const auto settings = build::read_condarc(env, warnings).channels;
    CHECK(settings.channel_alias == "https://conda.corp.example/conda");
    CHECK(settings.custom_channels.at("team") == "https://$ABSENT/x");
    REQUIRE(warnings.size() == 1);
    CHECK_THAT(warnings.front(), Catch::Contains("$ABSENT"));
}

namespace {

// A home with .condarc, and a stronger file that CONDARC names.
struct Files {
    TempDir folder{"condarc"};
    std::vector<std::string> warnings;

    build::Condarc read(const std::string& home, const std::string& stronger = "") {
        write_file_atomic(folder.path() / ".condarc", home);
        write_file_atomic(folder.path() / "stronger", stronger);
        return build::read_condarc(
            ProcessEnv({{"HOME", folder.path().string()}, {"CONDARC", (folder.path() / "stronger").string()}}),
            warnings);
    }
    [[nodiscard]] std::string home() const { return (folder.path() / ".condarc").string(); }
    [[nodiscard]] std::string stronger() const { return (folder.path() / "stronger").string(); }
};

}  // namespace

TEST_CASE("pinned_packages of all condarc files, the strongest's first, each with its file") {
    Files files;
    using Pins = std::vector<spec::WrittenPin>;
    CHECK(*files.read("channels: [a]\n").pins == Pins{});
    CHECK(*files.read("pinned_packages: null\n").pins == Pins{});
    CHECK(
        *files.read("pinned_packages:\n  - numpy 1.26.*\n  - scipy <2\n", "pinned_packages: [scipy <2, zlib]\n").pins ==
        Pins{{"scipy <2", files.stronger()}, {"zlib", files.stronger()}, {"numpy 1.26.*", files.home()}});
    CHECK(files.warnings.empty());
}

TEST_CASE("pinned_packages that are no list of texts are an error of whoever uses them") {
    Files files;
    for (const auto* text : {"numpy", "[numpy, {a: b}]", "{numpy: 1.26}", "3"}) {
        INFO(text);
        const auto read = files.read("pinned_packages: " + std::string(text) + "\nchannel_alias: https://own.example\n",
                                     "pinned_packages: [zlib]\n");
        REQUIRE(!read.pins);
        CHECK_THAT(read.pins.error().message(), Catch::Contains(files.home() + ": pinned_packages"));
        CHECK_THAT(read.pins.error().hint(), Catch::Contains("--no-pin"));
        CHECK(read.channels.channel_alias == "https://own.example");
    }
}

TEST_CASE("channel_priority of the strongest condarc file, in all of conda's spellings") {
    Files files;
    const auto read = [&](const std::string& word) {
        return *files.read("channel_priority: " + word + "\n").channel_priority;
    };
    CHECK(files.read("channels: [a]\n").channel_priority->empty());
    CHECK(read("strict") == "strict");
    CHECK(read("flexible") == "flexible");
    CHECK(read("disabled") == "disabled");
    for (const auto* word : {"true", "True", "yes", "'on'"}) CHECK(read(word) == "flexible");
    for (const auto* word : {"false", "False", "no", "'off'"}) CHECK(read(word) == "disabled");
    CHECK(*files.read("channel_priority: strict\n", "channel_priority: flexible\n").channel_priority == "flexible");
    CHECK(*files.read("channel_priority: strict\n", "channel_priority: null\n").channel_priority == "strict");
    const auto slip = files.read("channel_priority: strikt\n").channel_priority;
    REQUIRE(!slip);
    CHECK_THAT(slip.error().message(), Catch::Contains(files.home() + ": channel_priority is 'strikt'"));
    CHECK_THAT(slip.error().hint(), Catch::Contains("strict, flexible or disabled"));
}
