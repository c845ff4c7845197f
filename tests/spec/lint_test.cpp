#include "spec/lint.hpp"

#include <catch2/catch.hpp>

#include "spec/spec_support.hpp"

using namespace envbuild;
using namespace envbuild::spec;
using Catch::Matchers::Contains;

namespace {

LintReport lint(std::string_view text, ReadOptions options = test::plain_options()) {
    return lint_environment_text(text, "env.yml", "/project", options);
}

std::string told(std::string_view text, ReadOptions options = test::plain_options()) {
    std::string out;
    for (const auto& diagnostic : lint(text, std::move(options)).diagnostics) out += diagnostic.to_string() + "\n";
    return out;
}

}  // namespace

TEST_CASE("a careful file has nothing to be told") {
    const auto report =
        lint("channels: [conda-forge]\ndependencies: [python=3.11, numpy=1.26, pip, pip: [torch==2.1.0]]\n");
    CHECK(report.diagnostics.empty());
    CHECK(report.kind == FileKind::CondaEnvironment);
    CHECK(report.spec.has_value());
}

TEST_CASE("all errors are told, by line, and no intent is handed out") {
    const auto report = lint("dependencies:\n  - pip:\n    - torch=1\n  - 3.7\n  - numpy>=1.2,<\nname: [x]\n");
    CHECK(report.errors() == 4);
    CHECK_FALSE(report.spec.has_value());
    int line = 0;
    for (const auto& diagnostic : report.diagnostics) {
        if (diagnostic.place.line == 0) continue;
        CHECK(diagnostic.place.line >= line);
        line = diagnostic.place.line;
    }
}

TEST_CASE("YAML that does not parse is one error with its place") {
    const auto report = lint("a: 1\na: 2\n");
    REQUIRE(report.errors() == 1);
    CHECK(
        report.diagnostics[0].to_string() ==
        "env.yml:2:1: error: the key 'a' is given twice; first on line 1\n  a: 2\n  ^\n  join the two, or remove one");
}

TEST_CASE("what will bite later") {
    CHECK_THAT(told("dependencies: [numpy, tqdm, python=3.11]\n"),
               Contains("env.yml:1:16: warning: 2 conda packages without a version: numpy, tqdm"));
    CHECK_THAT(told("dependencies: [python]\n"), Contains("python is not pinned to a minor version"));
    CHECK_THAT(told("dependencies: [python=3]\n"), Contains("python is not pinned to a minor version"));
    CHECK_THAT(told("dependencies: [python=3.11]\n"), !Contains("python is not pinned"));
    CHECK_THAT(told("dependencies: [pip, pip: [a==1]]\n"), Contains("no python among the dependencies"));
    CHECK_THAT(told("dependencies: [numpy=1]\n"),
               Contains("the file names no channel; the configured ones are used (conda-forge)"));
    CHECK_THAT(told("channels: [conda-forge, defaults]\ndependencies: [numpy=1]\n"),
               Contains("conda-forge and defaults are mixed"));
    CHECK_THAT(told("platforms: [osx-64]\ndependencies: [numpy=1]\n"), Contains("error: the file is not for linux-64"));
}

TEST_CASE("GPU and CPU that contradict each other") {
    ReadOptions gpu = test::plain_options();
    gpu.gpu.wanted = true;
    CHECK_THAT(told("dependencies: [cudatoolkit=10.1]\n"),
               Contains("cudatoolkit=10.1 is for GPUs and no GPU was asked for"));
    CHECK_THAT(told("dependencies: ['pytorch=2.1=*cuda*']\n"), Contains("no GPU was asked for"));
    CHECK_THAT(told("dependencies: [cudatoolkit=10.1]\n", gpu), !Contains("no GPU was asked"));
    CHECK_THAT(told("dependencies: [cpuonly]\n", gpu), Contains("asks for the CPU build and --gpu for the GPU build"));
    CHECK_THAT(told("dependencies: ['pytorch=2.1=cpu_py311_0']\n", gpu), Contains("asks for the CPU build"));
    CHECK_THAT(told("dependencies: [python=3.10, pip, pip: [torch==1.13.1+cpu]]\n", gpu),
               Contains("torch==1.13.1+cpu is a CPU build"));
}

TEST_CASE("pip lines that are risky") {
    const auto pip = [](std::string_view line) {
        return told("dependencies:\n- python=3.11\n- numpy=1.26\n- pip\n- pip:\n  - " + std::string(line) + "\n");
    };
    CHECK_THAT(pip("a"), Contains("env.yml:6:5: warning: 1 pip package without a version: a"));
    CHECK_THAT(pip("numpy==1.26"), Contains("numpy comes from conda and from pip"));
    CHECK_THAT(pip("git+https://h/r.git@main"), Contains("a repository without a commit"));
    CHECK_THAT(pip("git+https://h/r.git@" + std::string(40, 'a')), !Contains("a repository without a commit"));
    CHECK_THAT(pip("-e ."), Contains("an editable install needs its source folder"));
    CHECK_THAT(pip("/home/me/pkg"), Contains("/home/me/pkg is a path of this machine alone"));
    CHECK_THAT(pip("https://h/x.whl"), Contains("a URL without a hash"));
    CHECK_THAT(pip("--trusted-host h"), Contains("--trusted-host h switches off"));
    CHECK_THAT(pip("--extra-index-url https://h/x\n  - a==1"), Contains("several package indexes"));
    CHECK_THAT(pip("-i http://h/x\n  - a==1"), Contains("the index http://h/x is asked without encryption"));
    CHECK_THAT(pip("a==1\n  - A==1"), Contains("a is listed twice for pip"));
    CHECK_THAT(pip("python==3.10"), Contains("'python' is no package of pip's"));
}

TEST_CASE("variables that change the environment or hold a secret") {
    CHECK_THAT(told("dependencies: [numpy=1]\nvariables: {LD_LIBRARY_PATH: /x}\n"),
               Contains("env.yml:2:30: warning: the variable LD_LIBRARY_PATH changes how"));
    const std::string text = told("dependencies: [numpy=1]\nvariables: {HF_TOKEN: hunter2}\n");
    CHECK_THAT(text, Contains("the variable HF_TOKEN looks like a secret"));
}

TEST_CASE("a file of another tool is an error that names it") {
    const auto report = lint("services: {web: {image: x}}\n");
    CHECK(report.kind == FileKind::DockerCompose);
    REQUIRE(report.errors() == 1);
    CHECK(report.diagnostics[0].message == "this is a Docker Compose file");
}

TEST_CASE("a variable that no image can hold is an error before anything is resolved") {
    const auto file = [](std::size_t size) {
        return "channels: [a]\ndependencies: [python=3.11]\nvariables:\n  BIG: " + std::string(size, 'x') + "\n";
    };
    CHECK(lint(file(64'000)).errors() == 0);
    REQUIRE(lint(file(70'000)).errors() == 1);
    CHECK_THAT(told(file(70'000)), Contains("env.yml:4:3: error: the variable BIG has 70000 bytes"));
    auto options = test::plain_options();
    options.variables["BIG"] = std::string(33'000, '$');  // escaped, each is two
    CHECK(lint("dependencies: [python=3.11]\n", options).errors() == 1);
}

TEST_CASE("keys that all have a slip in them are named with what was meant") {
    const auto text = told("channel: [conda-forge]\ndependancies: [numpy]\n");
    CHECK_THAT(text, Contains("'channel': did you mean 'channels'?"));
    CHECK_THAT(text, Contains("'dependancies': did you mean 'dependencies'?"));
}

TEST_CASE("--python is a version and nothing else") {
    const auto lint_with = [](const std::string& python) {
        auto options = test::plain_options();
        options.python = python;
        return lint_environment_text("numpy==1.26\n", "requirements.txt", "/project", options);
    };
    for (const auto* good : {"3.11", "=3.11", "3.11.*", ">=3.10,<3.12", "3.10|3.11", "~=3.11", "3.12.0rc1"}) {
        INFO(good);
        const auto report = lint_with(good);
        CHECK(report.errors() == 0);
        REQUIRE(report.spec.has_value());
        CHECK(report.spec->asks_for("python"));
    }
    for (const auto* bad :
         {"banana", "-dateutil", "3.11 six", "3.11,", "=", "*", "3.11[build=x]", "::3", ">=3.11 numpy"}) {
        INFO(bad);
        const auto report = lint_with(bad);
        REQUIRE(report.errors() == 1);
        CHECK_THAT(report.diagnostics.front().to_string(), Contains("is no version of Python"));
    }
}

TEST_CASE("a file that is too large is told the limit as it is documented") {
    CHECK_THROWS_WITH(lint(std::string((4U << 20U) + 1, '#')), Contains("the limit is 4 MiB"));
}
