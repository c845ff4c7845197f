#include <catch2/catch.hpp>

#include "spec/definition_fields.hpp"
#include "spec/definition_support.hpp"
#include "spec/spec_support.hpp"

using namespace envbuild;
using namespace envbuild::spec;
using namespace envbuild::spec::test;
using Catch::Matchers::Contains;

TEST_CASE("v2 YAML: an image and a conda file") {
    Folder folder;
    folder.file("conda-yamls/pydata.yml", "dependencies: [python=3.10]\n");
    const auto read =
        read_yaml_definition(R"($schema: https://azuremlschemas.azureedge.net/latest/environment.schema.json
name: docker-image-plus-conda-example
version: 3.10
image: mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu20.04
conda_file: conda-yamls/pydata.yml
description: Environment created from a Docker image plus Conda environment.
tags:
  python: 3.10
  gpu: yes
  empty:
properties:
  owner: team
  ratio: 1.50
)",
                             folder.path());
    const Definition& definition = read.definition;
    CHECK(read.warnings.empty());
    CHECK(definition.name == "docker-image-plus-conda-example");
    CHECK(definition.version == "3.10");
    CHECK(definition.tags == std::map<std::string, std::string>{{"python", "3.10"}, {"gpu", "yes"}, {"empty", ""}});
    CHECK(definition.base.image == "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu20.04");
    CHECK(definition.conda_file == "conda-yamls/pydata.yml");
    CHECK_FALSE(definition.user_managed);
    CHECK(definition.document.dump() == R"({"properties":{"owner":"team","ratio":"1.50"}})");
}

TEST_CASE("v2 YAML: an image alone, and a build context, are environments as they are") {
    Folder folder;
    folder.file("docker-contexts/python/Dockerfile", "FROM x\n")
        .file("docker-contexts/python/gpu.Dockerfile", "FROM y\n");
    const auto image = read_yaml_definition("name: a\nimage: pytorch/pytorch:latest\n").definition;
    CHECK(image.user_managed);
    CHECK(image.base.image == "pytorch/pytorch:latest");
    const auto build =
        read_yaml_definition("name: b\nbuild:\n  path: ./docker-contexts/python\n  dockerfile_path: gpu.Dockerfile\n",
                             folder.path())
            .definition;
    CHECK(build.user_managed);
    CHECK(build.base.context == "docker-contexts/python");
    CHECK(build.base.context_dockerfile == "gpu.Dockerfile");
    CHECK(read_yaml_definition("build: {path: 'https://github.com/a/b#main:sub'}\n").definition.base.context_is_git());
}

TEST_CASE("v2 YAML: a conda file of its own words") {
    const auto read = read_yaml_definition(R"(name: x
image: ubuntu:22.04
conda_file:
  name: inner
  channels: [conda-forge]
  dependencies:
    - python=3.10
    - pip:
      - "torch >= 2, < 3"
      - numpy  # a comment
  variables:
    VERSION: 3.10
    QUOTED: '3.10'
)");
    CHECK_FALSE(read.definition.user_managed);
    CHECK(read.definition.conda_text == R"(name: inner
channels:
  - conda-forge
dependencies:
  - python=3.10
  - pip:
      - torch >= 2, < 3
      - numpy
variables:
  VERSION: 3.10
  QUOTED: "3.10"
)");
    // It is a conda file that means what the mapping means.
    CHECK(test::read(read.definition.conda_text).spec.variables.at("VERSION") == "3.10");
}

TEST_CASE("v2 YAML: paths with file:") {
    Folder folder;
    folder.file("c.yml", "dependencies: [python]\n");
    for (const std::string_view path : {"file:c.yml", "file:./c.yml", "./c.yml", "file://c.yml"}) {
        CHECK(read_yaml_definition("image: x\nconda_file: " + std::string(path) + "\n", folder.path())
                  .definition.conda_file == "c.yml");
    }
}

TEST_CASE("v2 YAML: unknown keys are kept, with the nearest known one") {
    const auto read = read_yaml_definition(
        "name: x\nimage: y\nenviroment_variables: {A: b}\nbuild:\nos_type: linux\n"
        "inference_config: {liveness_route: {port: 80}}\n");
    CHECK_THAT(warnings_of(read), Contains("'enviroment_variables' is not known") &&
                                      Contains("did you mean 'environment_variables'?") &&
                                      Contains("inference_config"));
    CHECK(to_json(read.definition)["enviroment_variables"].dump() == R"({"A":"b"})");
    CHECK(read_yaml_definition("image: y\nenvironment_variables: {A: 010}\n").definition.variables.at("A") == "010");
}

TEST_CASE("v2 YAML: what is wrong is named at its place") {
    Folder folder;
    folder.file("ctx/Dockerfile", "FROM x\n").file("c.yml", "dependencies: []\n");
    const auto refused = [&](std::string_view yaml) { return yaml_refusal(yaml, folder.path()); };
    CHECK_THAT(refused(""), Contains("the file is empty"));
    CHECK_THAT(refused("- x\n"), Contains("is a list, not a mapping"));
    CHECK_THAT(refused("name: x\n"), Contains("names no image, build or conda_file"));
    CHECK_THAT(refused("name: x\nname: y\n"), Contains(":2:1: "));
    CHECK_THAT(refused("image: x\nbuild:\n  path: ctx\n"), Contains(":3:3: image and build are both set"));
    CHECK_THAT(refused("build: ctx\n"), Contains("build is a text and should be a mapping"));
    CHECK_THAT(refused("build:\n  dockerfile_path: D\n"), Contains("build has no path"));
    CHECK_THAT(refused("build: {path: ../ctx}\n"),
               Contains("leads out of the definition's folder") && Contains("copy"));
    CHECK_THAT(refused("image: x\nconda_file: ../c.yml\n"), Contains(":2:13: conda_file leads out"));
    CHECK_THAT(refused("image: x\nconda_file: [a]\n"), Contains("a path or a conda environment"));
    CHECK_THAT(refused("image: x\nconda_file: https://h/c.yml\n"), Contains("names no local file"));
    CHECK_THAT(refused("image: x\nos_type: windows\n"), Contains("are not built"));
    CHECK_THAT(refused("image: x\ntags: [a]\n"), Contains("tags is a list"));
    CHECK_THAT(refused("name: x\nimage: y\ndependencies: [a]\n"), Contains("under conda_file"));
    CHECK_THAT(refused("$schema: https://azuremlschemas.azureedge.net/latest/commandJob.schema.json\ncommand: x\n"),
               Contains("asset of another kind"));
    CHECK_THAT(warnings_of(read_yaml_definition("build: {path: ctx}\nconda_file: c.yml\n", folder.path())),
               Contains("only with image"));
}

TEST_CASE("what is a definition") {
    Folder folder;
    folder.file("saved/azureml_environment.json", "{}")
        .file("v2/anything.yml", "name: x\nimage: y\n")
        .file("v2/conda.yml", "dependencies: [python]\n")
        .file("two/a.yml", "image: y\n")
        .file("two/b.yml", "image: z\n")
        .file("project/environment.yml", "name: x\ndependencies: [python]\n")
        .file("project/data.yml", "{ not yaml\n")
        .file("listing.json", R"({"name": "x", "docker": {"baseImage": "y"}, "python": {}})")
        .file("v2.json", R"({"name": "x", "image": "y", "id": "azureml:x:1"})")
        .file("conda.json", R"({"name": "x", "dependencies": ["python"]})")
        .file("job.yml", "$schema: https://x/commandJob.schema.json\ncommand: x\n")
        .file("compose.yml", "services: {a: {image: x}}\n")
        .file("requirements.txt", "numpy\n");
    const auto is = [&](const std::string& path) { return is_definition(folder.path(path)); };
    for (const auto* path : {"saved", "saved/azureml_environment.json", "v2", "v2/anything.yml", "two", "two/a.yml",
                             "listing.json", "v2.json"}) {
        INFO(path);
        CHECK(is(path));
    }
    for (const auto* path : {"project", "project/environment.yml", "project/data.yml", "conda.json", "job.yml",
                             "compose.yml", "requirements.txt", "v2/conda.yml", "none"}) {
        INFO(path);
        CHECK_FALSE(is(path));
    }
    CHECK(read_definition(folder.path("v2")).definition.base.image == "y");
    CHECK(read_definition(folder.path("listing.json")).definition.base.image == "y");
    CHECK(read_definition(folder.path("v2.json")).definition.base.image == "y");
    CHECK_THROWS_WITH(read_definition(folder.path("two")), Contains("several environments: a.yml and b.yml"));
    CHECK_THROWS_WITH(read_definition(folder.path("project")), Contains("holds no azureml_environment.json"));
    CHECK_THROWS_WITH(read_definition(folder.path("project/environment.yml")),
                      Contains("under conda_file") || Contains("dependencies"));
    try {
        static_cast<void>(read_definition(folder.path("none")));
        FAIL("taken");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::NotFound);
    }
}

TEST_CASE("a definition is not taken for a conda file") {
    CHECK_THAT(refusal("name: x\nimage: y\n"), Contains("this is an Azure ML asset"));
}

TEST_CASE("names of environments") {
    for (const std::string& name :
         std::vector<std::string>{"AzureML-PyTorch-1.6-GPU", "a", "3d", "x_y.z-1", std::string(255, 'a')}) {
        INFO(name);
        CHECK(check_name(name).value() == name);
    }
    for (const std::string& name : std::vector<std::string>{"", "-a", ".a", "_a", "a b", "a/b", "a:1", "a@b",
                                                            "\xC3\xBC"
                                                            "ber",
                                                            "a\nb", "a\\b", "a\x7F", std::string(256, 'a')}) {
        INFO(name);
        const auto checked = check_name(name);
        REQUIRE_FALSE(checked);
        CHECK(checked.error().kind() == ErrorKind::InvalidInput);
        CHECK_FALSE(checked.error().message().contains('\n'));
    }
}

TEST_CASE("v2 YAML: numbers are texts where texts are anything, and nowhere else") {
    const auto read = read_yaml_definition(
        "version: 3\nimage: a\ntags: {python: 3.10}\nenvironment_variables: {A: 1, B: yes}\nenvbuild: {cuda: 12.10}\n");
    CHECK(read.definition.version == "3");
    CHECK(read.definition.tags.at("python") == "3.10");
    CHECK(read.definition.variables.at("B") == "yes");
    CHECK(read.definition.gpu.cuda == "12.10");
    CHECK_THAT(yaml_refusal("image: 5\n"), Contains("env.yml:1:8: image is a number and should be a text"));
    CHECK_THAT(yaml_refusal("build: {path: 5}\n"), Contains("path is a number"));
    CHECK_THAT(yaml_refusal("conda_file: 5\n"), Contains("conda_file is a number"));
    CHECK_THAT(yaml_refusal("name: true\nimage: a\n"), Contains("name is true or false"));
    CHECK(read_yaml_definition("image: \"5\"\n").definition.base.image == "5");
}

TEST_CASE("an error whose excerpt shows a password loses the excerpt, and nothing else") {
    const auto shown = [](std::string excerpt) {
        Error error = Error(ErrorKind::InvalidInput, "no").with_hint(std::move(excerpt)).with_details("{}");
        error.add_context("reading env.yml");
        return without_password(std::move(error));
    };
    CHECK(shown("3 | name: x").hint() == "3 | name: x");
    const auto bare = shown("3 | password: hunter2");
    CHECK(bare.hint().empty());
    CHECK(bare.details() == "{}");
    CHECK(bare.to_string() == "no\n  while reading env.yml");
}
