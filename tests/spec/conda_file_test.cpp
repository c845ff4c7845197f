#include <catch2/catch.hpp>

#include "base/fs.hpp"
#include "spec/spec_support.hpp"

using namespace envbuild;
using namespace envbuild::spec;
using namespace envbuild::spec::test;
using Catch::Matchers::Contains;
using Lines = std::vector<std::string>;

namespace {

Lines conda_lines(const EnvironmentSpec& spec) {
    Lines out;
    for (const auto& one : spec.conda) out.push_back(one.canonical(one.channel()));
    return out;
}

Lines channel_urls(const EnvironmentSpec& spec) {
    Lines out;
    for (const auto& channel : spec.channels) out.push_back(channel.url().to_string());
    return out;
}

}  // namespace

TEST_CASE("the whole language of an environment file") {
    ReadOptions options = plain_options();
    options.env = ProcessEnv(std::map<std::string, std::string, std::less<>>{{"INDEX_TOKEN", "s3cret"}});
    const auto result = read(R"(name: train
channels:
  - https://user:hunter2@conda.example.com/t/tk-123/team/linux-64
  - conda-forge
  - nodefaults
dependencies:
  - python=3.10
  - numpy >=1.19,<2
  - conda-forge::scipy==1.7.1
  - sel(linux): libgcc-ng
  - sel(win): vs2019_win-64
  - sel(linux-64): [mkl, nomkl]
  - pip
  - pip:
      - --extra-index-url https://__token__:${INDEX_TOKEN}@pypi.example.com/simple
      - Torch == 1.13.1
      - "pillow>=9"   # comment
      - -e .
variables:
  OMP_NUM_THREADS: 4
  FLAG: yes
  RATIO: 3.10
  TEXT: "a 'b' $HOME"
platforms: [linux-64, osx-64]
prefix: /home/me/envs/train
)",
                             options);
    CHECK(result.kind == FileKind::CondaEnvironment);
    CHECK(result.spec.name == "train");
    CHECK(channel_urls(result.spec) ==
          Lines{"https://conda.example.com/team", "https://conda.anaconda.org/conda-forge"});
    CHECK(conda_lines(result.spec).size() == 7);
    CHECK(result.spec.asks_for("mkl"));
    CHECK_FALSE(result.spec.asks_for("vs2019_win-64"));
    CHECK(result.spec.conda[2].channel() == "https://conda.anaconda.org/conda-forge");
    REQUIRE(result.spec.pip.size() == 3);
    CHECK(result.spec.pip[0].canonical() == "torch==1.13.1");
    CHECK(result.spec.pip[2].canonical() == "-e .");
    CHECK(result.spec.pip[2].source_digest.size() == 64);
    CHECK(result.spec.indexes.index_urls == Lines{"https://pypi.org/simple", "https://pypi.example.com/simple"});
    CHECK(result.spec.variables.at("OMP_NUM_THREADS") == "4");
    CHECK(result.spec.variables.at("FLAG") == "yes");
    CHECK(result.spec.variables.at("RATIO") == "3.10");
    CHECK(result.spec.variables.at("TEXT") == "a 'b' $HOME");
    CHECK(result.platforms == Lines{"linux-64", "osx-64"});
    CHECK(result.credentials.size() == 2);
    REQUIRE(result.warnings.size() == 1);
    CHECK(result.warnings[0].message.starts_with("'prefix' is ignored"));
    const std::string canonical = result.spec.canonical().canonical();
    for (const std::string_view secret : {"hunter2", "tk-123", "s3cret"})
        CHECK(canonical.find(secret) == std::string::npos);
}

TEST_CASE("channels: order, --channel first, defaults expanded, nothing added") {
    ReadOptions options = plain_options();
    options.channels = {"nvidia"};
    CHECK(channel_urls(read("channels: [conda-forge, defaults]\ndependencies: [a]\n", options).spec) ==
          Lines{"https://conda.anaconda.org/nvidia", "https://conda.anaconda.org/conda-forge",
                "https://repo.anaconda.com/pkgs/main", "https://repo.anaconda.com/pkgs/r"});
    CHECK(channel_urls(read("dependencies: [a]\n").spec) == Lines{"https://conda.anaconda.org/conda-forge"});
    CHECK(channel_urls(read("channels: [nodefaults]\ndependencies: [a]\n").spec) ==
          Lines{"https://conda.anaconda.org/conda-forge"});
    CHECK_THAT(warnings("channels: [default]\ndependencies: [a]\n"), Contains("did you mean 'defaults'?"));
    CHECK_THAT(warnings("channels: [a, b, a]\ndependencies: [a]\n"),
               Contains("env.yml:1:18: warning: the channel a is listed twice"));
    CHECK_THAT(warnings("channels: []\ndependencies: [a]\n"), Contains("channels is empty"));
    CHECK_THAT(refusal("channels: conda-forge\ndependencies: [a]\n"),
               Contains("env.yml:1:11: channels is a text and should be a list"));
    CHECK_THAT(refusal("channels:\n  - \n  - {a: b}\ndependencies: [a]\n"),
               Contains("env.yml:2:3: a channel is a text, not nothing"));
    CHECK_THAT(refusal("channels: ['https://h/${NOPE}/x']\ndependencies: [a]\n"),
               Contains("the variable NOPE is not set"));
}

TEST_CASE("a spec that does not parse gets a caret in the file") {
    const std::string text = refusal("name: x\ndependencies:\n  - python=3.10\n  - numpy>=1.2,<\n");
    CHECK_THAT(text, Contains("env.yml:4:"));
    CHECK_THAT(text, Contains("\n    - numpy>=1.2,<\n"));
    CHECK_THAT(text, Contains("^"));
    CHECK_THAT(refusal("dependencies:\n  - torchmetrics[image]\n"), Contains("env.yml:2:17:"));
    CHECK_THAT(refusal("dependencies:\n  - \"torchmetrics[image]\"\n"), Contains("env.yml:2:18:"));
    CHECK_THAT(refusal("dependencies:\n  - https://u:hunter2@h/x y z\n"), !Contains("hunter2"));
}

TEST_CASE("items that are no packages") {
    CHECK_THAT(refusal("dependencies:\n  - a\n  -\n"), Contains("env.yml:3:3: an item of dependencies is empty"));
    CHECK_THAT(refusal("dependencies:\n  - 3.7\n"), Contains("an item of dependencies is a number"));
    CHECK_THAT(refusal("dependencies:\n  - [a]\n"), Contains("an item of dependencies is a list"));
    CHECK_THAT(refusal("dependencies: \"a\"\n"), Contains("dependencies is a text and should be a list"));
    CHECK_THAT(refusal("dependencies:\n  -a\n  -b\n"), Contains("a space stands after '-'"));
    CHECK_THAT(refusal("dependencies:\n  - numpy: 1.2\n"), Contains("write: - numpy=1.2"));
    CHECK_THAT(refusal("dependencies:\n  - npm:\n    - left-pad\n"), Contains("the installer 'npm' is not known"));
    CHECK_THAT(refusal("dependencies:\n  - -r requirements.txt\n"),
               Contains("is an option of pip and stands among the conda dependencies"));
    CHECK_THAT(refusal("dependencies:\n  - pip install numpy\n"), Contains("'pip install' is a command"));
    CHECK_THAT(refusal("dependencies:\n  - \"a\\nb\"\n"), Contains("control character"));
    CHECK_THAT(refusal("dependencies:\n  - numpy={{ v }}\n"),
               Contains("env.yml:2:11: 'numpy={{ v }}' is a template that was never rendered"));
    CHECK_THAT(refusal("dependencies:\n  - dependencies:\n    - a\n"),
               Contains("'dependencies:' is not known among the dependencies"));
}

TEST_CASE("the pip section") {
    CHECK_THAT(warnings("dependencies:\n  - python\n  - pip:\n    - a\n"), Contains("pip was added, as conda does"));
    CHECK(read("dependencies:\n  - python\n  - pip:\n    - a\n").spec.asks_for("pip"));
    CHECK_FALSE(read("dependencies:\n  - python\n  - pip:\n").spec.asks_for("pip"));
    CHECK_THAT(warnings("dependencies:\n  - pip:\n"), Contains("the pip section is empty"));
    CHECK_THAT(warnings("dependencies:\n  - pip\n  - pip: [a]\n  - pip: [b]\n"),
               Contains("a second pip section; both are read"));
    CHECK_THAT(refusal("dependencies:\n  - pip: jupyterhub\n"),
               Contains("write '- jupyterhub' on a line below 'pip:'"));
    CHECK_THAT(refusal("dependencies:\n  - pip:\n    - 123\n"), Contains("an item of the pip section is a number"));
    CHECK_THAT(refusal("dependencies:\n  - pip:\n    - a\n    -\n"),
               Contains("env.yml:4:5: an item of the pip section is empty"));
    CHECK_THAT(refusal("dependencies:\n  - pip:\n    - a: 1\n"), Contains("is a mapping, not a requirement"));
    CHECK_THAT(refusal("dependencies:\n  - pip:\n    - --no-binary=:all:\n"),
               Contains("quote it: - \"--no-binary=:all:\""));
    CHECK_THAT(refusal("dependencies:\n  - pip:\n    - torch=1.0\n"),
               Contains("env.yml:3:12: 'torch' has a single '='"));
    CHECK_THAT(refusal("dependencies:\n  - pip:\n    - 'torch=1.0'\n"),
               Contains("env.yml:3:13: 'torch' has a single '='"));
    CHECK_THAT(warnings("pip:\n  - a\ndependencies: [b]\n"),
               Contains("pip's requirements stand among the dependencies"));
    CHECK(read("dependencies:\n  - pip\n  - pip:\n    - |\n      a==1\n      b==2\n").spec.pip.size() == 2);
}

TEST_CASE("variables") {
    CHECK_THAT(refusal("variables: [A=1]\ndependencies: [a]\n"),
               Contains("variables is a list and should be a mapping"));
    CHECK_THAT(refusal("variables: {1A: x}\ndependencies: [a]\n"),
               Contains("'1A' is no name for an environment variable"));
    CHECK_THAT(refusal("variables: {A: [x]}\ndependencies: [a]\n"),
               Contains("the variable A is a list and should be a text"));
    CHECK_THAT(refusal("variables: {A: \"x\\nRUN evil\"}\ndependencies: [a]\n"),
               Contains("control character or several lines"));
    CHECK_THAT(warnings("variables: {A: }\ndependencies: [a]\n"),
               Contains("the variable A has no value and will be empty"));
    ReadOptions options = plain_options();
    options.variables = {{"A", "2"}, {"B", "3"}};
    CHECK(read("variables: {A: 1}\ndependencies: [a]\n", options).spec.variables ==
          std::map<std::string, std::string>{{"A", "2"}, {"B", "3"}});
    options.variables = {{"A", "x\ny"}};
    CHECK_THAT(refusal("dependencies: [a]\n", options), Contains("--env: 'A' cannot be set"));
    options.variables.clear();
    options.base_image = "ubuntu\nRUN evil";
    CHECK_THAT(refusal("dependencies: [a]\n", options), Contains("the value of --base holds a control character"));
}

TEST_CASE("unknown keys, repeats and empty files") {
    CHECK_THAT(warnings("chanels: [x]\ndependencies: [a]\n"),
               Contains("env.yml:1:1: warning: the key 'chanels' is not known and is ignored"));
    CHECK_THAT(warnings("chanels: [x]\ndependencies: [a]\n"), Contains("did you mean 'channels'?"));
    CHECK_THAT(warnings("dependencies: [a, b, a]\n"),
               Contains("env.yml:1:22: warning: a is listed twice; first on line 1"));
    CHECK_THAT(warnings("dependencies: [a=1, a]\n"), Contains("both count"));
    CHECK_THAT(warnings("name: x\n"), Contains("the file has no dependencies"));
    CHECK_THAT(warnings("name: x\ndependencies:\n"), Contains("dependencies is empty"));
    CHECK_THAT(warnings("dependencies:\n  - sel(macos): x\n"), Contains("the selector 'macos' is not known"));
    CHECK_THAT(refusal(""), Contains("the file is empty"));
    CHECK_THAT(refusal("just text\n"), Contains("the file is a text, not a mapping of keys"));
    CHECK_THAT(refusal("name: [x]\ndependencies: [a]\n"), Contains("name is a list and should be a text"));
    CHECK_THAT(refusal("platforms: linux-64\ndependencies: [a]\n"),
               Contains("platforms is a text and should be a list"));
    CHECK_THAT(refusal("platforms: [linus-64]\ndependencies: [a]\n"), Contains("platforms are named as conda does"));
    ReadOptions options = plain_options();
    options.python = "3.11";
    CHECK_THAT(refusal("dependencies: [a]\n", options), Contains("--python is for a requirements file"));
}

TEST_CASE("files of other tools are named") {
    CHECK_THAT(refusal("python: 3.8\nbuild_dependencies: [pip]\ndependencies: [-r requirements.txt]\n"),
               Contains("this is MLflow's python_env.yaml"));
    CHECK_THAT(refusal("$schema: https://azuremlschemas.azureedge.net/latest/environment.schema.json\nname: x\n"),
               Contains("this is an Azure ML asset"));
    CHECK_THAT(refusal("services:\n  web: {image: x}\n"), Contains("this is a Docker Compose file"));
    CHECK_THAT(refusal("version: 1\nmetadata: {}\npackage: []\n"), Contains("envbuild build --lock FILE"));
    CHECK_THAT(refusal("version: 6\nenvironments: {}\npackages: []\n"), Contains("this is a pixi lock file"));
    CHECK_THAT(refusal("package: {name: x}\nbuild: {number: 0}\n"), Contains("this is a conda recipe"));
    const auto text_refusal = [](std::string_view text, const std::string& file) {
        try {
            static_cast<void>(read_environment_text(text, file, "/project", plain_options()));
            return std::string("taken");
        } catch (const Error& error) {
            return error.to_string();
        }
    };
    CHECK_THAT(text_refusal("[project]\nname = 'x'\n", "pixi.toml"), Contains("this is a pixi manifest"));
    CHECK_THAT(text_refusal("FROM ubuntu\n", "Dockerfile"), Contains("this is a Dockerfile"));
    CHECK_THAT(text_refusal("# x\n@EXPLICIT\nhttps://h/x.conda\n", "spec.txt"),
               Contains("this is conda's list of explicit URLs"));
}

TEST_CASE("several errors: the first is told, and how many more there are") {
    const std::string text = refusal("dependencies:\n  - 1\n  - 2\n  - 3\n");
    CHECK_THAT(text, Contains("env.yml:2:5:"));
    CHECK_THAT(text, Contains("2 more things are wrong with the file; `envbuild check` lists all"));
}

TEST_CASE("files on disk: relative paths, folders, permissions, a file that is too big") {
    const TempDir folder("environment");
    write_file_atomic(folder.path() / "env.yml", "dependencies:\n  - pip\n  - pip:\n    - -r sub/r.txt\n    - ./pkg\n");
    write_file_atomic(folder.path() / "sub/r.txt", "a==1\n");
    write_file_atomic(folder.path() / "pkg/setup.py", "x");
    const auto result = read_environment(folder.path() / "env.yml", {});
    CHECK(result.spec.pip.size() == 2);
    CHECK(result.spec.pip[1].path == "./pkg");
    const auto kind = [](const std::filesystem::path& path) {
        try {
            static_cast<void>(read_environment(path, {}));
        } catch (const Error& error) {
            return error.kind();
        }
        return ErrorKind::Bug;
    };
    CHECK(kind(folder.path() / "gone.yml") == ErrorKind::NotFound);
    CHECK(kind(folder.path()) == ErrorKind::InvalidInput);
    write_file_atomic(folder.path() / "gone.yml", "dependencies:\n  - pip\n  - pip:\n    - ./nowhere\n");
    CHECK(kind(folder.path() / "gone.yml") == ErrorKind::InvalidInput);
    write_file_atomic(folder.path() / "big.yml", std::string((4U << 20U) + 1, ' '));
    CHECK(kind(folder.path() / "big.yml") == ErrorKind::InvalidInput);
}

TEST_CASE("a bare requirements file wants a Python") {
    const auto read_txt = [](std::string_view text, const std::string& python) {
        ReadOptions options = plain_options();
        options.python = python;
        return read_environment_text(text, "requirements.txt", "/project", options);
    };
    const auto result = read_txt("numpy==1.26\n-c limits.txt\n", "3.11");
    CHECK(result.kind == FileKind::Requirements);
    CHECK(conda_lines(result.spec) == Lines{"python 3.11.*", "pip"});
    CHECK(result.spec.pip.size() == 1);
    CHECK(result.spec.indexes.index_urls == Lines{"https://pypi.org/simple"});
    CHECK(conda_lines(read_txt("a\n", ">=3.10").spec).front() == "python >=3.10");
    CHECK_THROWS_WITH(read_txt("numpy\n", ""), Contains("does not say which Python"));
    CHECK_THROWS_WITH(read_txt("numpy\n# {{ fine }}\nx=={{ v }}\n", "3.11"),
                      Contains("requirements.txt:3:4: the line is a template"));
    CHECK_THROWS_WITH(read_txt("numpy\n", "banana!"), Contains("python"));
}

TEST_CASE("a channel's password may hold any character and is in no hash and no message") {
    const auto with_password = [](const std::string& password) {
        ReadOptions options = plain_options();
        options.env = ProcessEnv({{"U", "bob"}, {"P", password}});
        return options;
    };
    const std::string text = "channels: ['https://${U}:${P}@host.example/ch']\ndependencies: [a]\n";
    const auto hash = hash_of("channels: ['https://host.example/ch']\ndependencies: [a]\n");
    for (const std::string password : {"123/rest", "hunter2/rest", "a#b", "a?b", "a@b"}) {
        CHECK(hash_of(text, with_password(password)) == hash);
        const auto result = read(text, with_password(password));
        CHECK(result.spec.channels.front().url().to_string() == "https://host.example/ch");
        REQUIRE(result.credentials.size() == 1);
        CHECK(result.credentials.front().user_info()->password.reveal() == password);
    }
    const auto refused = refusal("channels: ['https://user:s3c/r3t@host']\ndependencies: [a]\n");
    CHECK(refused != "taken");
    CHECK(refused.find("s3c") == std::string::npos);
    CHECK(refused.find("r3t") == std::string::npos);
}
