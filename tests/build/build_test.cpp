#include <catch2/catch.hpp>

#include <fstream>

#include "base/fs.hpp"
#include "build/pip_config.hpp"
#include "build/pip_report.hpp"
#include "build/resolver.hpp"
#include "build/settings.hpp"
#include "build/stages.hpp"

using namespace envbuild;
using namespace envbuild::build;

namespace {

struct Home {
    TempDir directory{"settings-test"};
    std::map<std::string, std::string, std::less<>> variables{{"HOME", directory.path().string()},
                                                              {"PIP_CONFIG_FILE", "/dev/null"}};

    Settings load(const std::map<std::string, std::string>& overrides = {}) {
        warnings.clear();
        return load_settings(ProcessEnv(variables), overrides, warnings);
    }
    void config(std::string_view text) const {
        write_file_atomic(directory.path() / ".config/envbuild/config.yaml", text);
    }
    std::vector<std::string> warnings;
};

}  // namespace

TEST_CASE("settings: the command line before the environment before the file before the defaults") {
    Home home;
    CHECK(home.load().registry.empty());
    CHECK(home.load().channels == std::vector<std::string>{"conda-forge"});
    home.config("registry: from.file/envs\nchannels: [a, b]\nbuilder: classic\n");
    CHECK(home.load().registry == "from.file/envs");
    CHECK(home.load().channels == std::vector<std::string>{"a", "b"});
    home.variables["ENVBUILD_REGISTRY"] = "from.env/envs";
    home.variables["ENVBUILD_CHANNELS"] = "c, d";
    CHECK(home.load().registry == "from.env/envs");
    CHECK(home.load().channels == std::vector<std::string>{"c", "d"});
    CHECK(home.load().builder == "classic");
    CHECK(home.load({{"registry", "from.line/envs"}}).registry == "from.line/envs");
}

TEST_CASE("settings: '~' in a channel's path is the home folder") {
    Home home;
    std::vector<std::string> warnings;
    const auto settings = home.load().conda_settings(ProcessEnv(home.variables), warnings).channels;
    const auto channels = value_or_throw(conda::resolve_channel("~/ch", settings, "/project"));
    REQUIRE(channels.size() == 1);
    CHECK(channels.front().url().file_path() == (home.directory.path() / "ch").string());
}

TEST_CASE("settings: mirrors, from the file and from the environment") {
    Home home;
    home.config(
        "channel_mirrors:\n  https://conda.anaconda.org/conda-forge: [http://one/cf, http://two/cf]\n  conda-forge: "
        "http://x\n");
    const auto settings = home.load();
    CHECK(settings.channel_mirrors.at("https://conda.anaconda.org/conda-forge") ==
          std::vector<std::string>{"http://one/cf", "http://two/cf"});
    home.variables["ENVBUILD_REGISTRY_MIRRORS"] = "docker.io=a:5000|b:5000/hub,quay.io=c";
    CHECK(home.load().registry_mirrors.at("docker.io") == std::vector<std::string>{"a:5000", "b:5000/hub"});
    home.variables["PIP_INDEX_URL"] = "http://index/simple";
    CHECK(home.load().index_mirrors.at("https://pypi.org/simple") == std::vector<std::string>{"http://index/simple"});
}

TEST_CASE("settings: what does not fit is refused where it stands, what is not known is told") {
    Home home;
    home.config("builder: fast\n");
    CHECK_THROWS_WITH(home.load(), Catch::Contains("config.yaml:1:") && Catch::Contains("auto, buildkit, classic"));
    home.config("registri: x\n");
    (void)home.load();
    REQUIRE(home.warnings.size() == 1);
    CHECK(home.warnings[0].find("did you mean 'registry'") != std::string::npos);
    home.config("registry: [a]\n");
    CHECK_THROWS_AS(home.load(), Error);
    home.config("");
    home.variables["ENVBUILD_ALLOW_MISSING_HASHES"] = "yes";
    CHECK_THROWS_WITH(home.load(), Catch::Contains("true or false"));
    home.variables.erase("ENVBUILD_ALLOW_MISSING_HASHES");
    home.variables["ENVBUILD_DATA_DIR"] = "relative";
    CHECK_THROWS_AS(home.load(), Error);
    home.variables.erase("ENVBUILD_DATA_DIR");
    home.variables["ENVBUILD_CONFIG"] = "/nonexistent/config.yaml";
    CHECK_THROWS_AS(home.load(), Error);
}

TEST_CASE("settings: docs/configuration.md has a row for each, and no other") {
    std::string page = read_file(ENVBUILD_SOURCE_DIR "/docs/configuration.md");
    std::size_t rows = 0;
    for (const auto& row : setting_rows()) {
        INFO(row.key);
        std::string variable = "ENVBUILD_";
        for (const char c : row.key) variable += static_cast<char>(std::toupper(c));
        CHECK(page.find("| `" + std::string(row.key) + "` | `" + variable + "` |") != std::string::npos);
        ++rows;
    }
    std::size_t lines = 0;
    for (auto at = page.find("\n| `"); at != std::string::npos; at = page.find("\n| `", at + 1)) ++lines;
    CHECK(lines == rows);
}

TEST_CASE("pip's configuration: variables, files, continuation lines") {
    const TempDir directory("pip-config");
    const auto file = directory.path() / "pip.conf";
    write_file_atomic(file,
                      "# a comment\n[global]\nindex_url = https://u:p@index/simple\nextra-index-url =\n    "
                      "https://one/simple\n    https://two/simple\n[list]\nindex-url = no\n");
    const ProcessEnv env({{"HOME", "/nonexistent"}, {"PIP_CONFIG_FILE", file.string()}});
    const auto config = read_pip_config(env);
    CHECK(config.index_url == "https://u:p@index/simple");
    CHECK(config.extra_index_urls == std::vector<std::string>{"https://one/simple", "https://two/simple"});
    const ProcessEnv variable(
        {{"HOME", "/nonexistent"}, {"PIP_CONFIG_FILE", file.string()}, {"PIP_INDEX_URL", "https://env/simple"}});
    CHECK(read_pip_config(variable).index_url == "https://env/simple");
}

TEST_CASE("pip's report: files with their hashes, and what cannot be pinned is refused") {
    const auto hex = std::string(64, 'a');
    const auto report = [&](const std::string& download) {
        return value_or_throw(Json::parse(
            R"({"version":"1","install":[{"download_info":)" + download +
            R"(,"is_direct":false,"requested":true,"metadata":{"name":"Torch_X","version":"1.0","requires_dist":["six"]}}]})"));
    };
    const auto good = read_pip_report(report(
        R"({"url":"https://u:p@h/f/torch_x-1.0-py3-none-any.whl#sha256=1","archive_info":{"hashes":{"sha256":")" + hex +
        "\"}}}"));
    REQUIRE(good);
    REQUIRE(good->size() == 1);
    CHECK(good->front().name == "torch-x");
    CHECK(good->front().url == "https://h/f/torch_x-1.0-py3-none-any.whl");
    CHECK(good->front().file_name == "torch_x-1.0-py3-none-any.whl");
    CHECK(good->front().requires_dist == std::vector<std::string>{"six"});
    CHECK(read_pip_report(report(R"({"url":"https://h/x.whl","archive_info":{"hash":"sha256=)" + hex + "\"}}")));
    for (const auto& bad : {std::string(R"({"url":"file:///src","dir_info":{}})"),
                            std::string(R"({"url":"https://h/x.whl","archive_info":{}})"),
                            std::string(R"({"url":"https://h/x.git","vcs_info":{"vcs":"git"}})")}) {
        const auto refused = read_pip_report(report(bad));
        REQUIRE_FALSE(refused);
        CHECK(refused.error().kind() == ErrorKind::InvalidInput);
    }
    CHECK_FALSE(read_pip_report(value_or_throw(Json::parse(R"({"version":"9","install":[]})"))));
    CHECK_FALSE(read_pip_report(value_or_throw(Json::parse(R"({"version":"1"})"))));
}

TEST_CASE("SOURCE_DATE_EPOCH is a number of seconds, or the fixed time") {
    using Variables = std::map<std::string, std::string, std::less<>>;
    const auto epoch = [](const Variables& variables) { return source_date_epoch(ProcessEnv(variables)); };
    CHECK(epoch({}) == 1'577'836'800);
    CHECK(epoch({{"SOURCE_DATE_EPOCH", "12"}}) == 12);
    for (const auto* bad : {"x", "-1", "1.5", "1 "}) CHECK_THROWS_AS(epoch({{"SOURCE_DATE_EPOCH", bad}}), Error);
}

TEST_CASE("stages: times add up under their names, also of what failed") {
    Stages stages;
    CHECK(stages.time("a", [] { return 7; }) == 7);
    CHECK_THROWS(stages.time("b", []() -> int { throw Error(ErrorKind::Io, "x"); }));
    const auto json = stages.to_json();
    CHECK(json["a"].is_number());
    CHECK(json["b"].is_number());
    CHECK(json["total"].as_double() >= 0);
}

TEST_CASE(
    "settings: a configuration that ENVBUILD_CONFIG names and that is not there is told with the variable's name") {
    Home home;
    home.variables["ENVBUILD_CONFIG"] = "/nonexistent/config.yaml";
    try {
        (void)home.load();
        FAIL("was read");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::NotFound);
        CHECK_THAT(error.hint(), Catch::Contains("ENVBUILD_CONFIG"));
    }
}
