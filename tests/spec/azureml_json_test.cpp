#include <catch2/catch.hpp>

#include "base/strings.hpp"
#include "spec/definition_support.hpp"
#include "spec/yaml.hpp"

using namespace envbuild;
using namespace envbuild::spec;
using namespace envbuild::spec::test;
using Catch::Matchers::Contains;

TEST_CASE("azureml_environment.json: every field comes back, in its order") {
    const auto read = read_json(full_json());
    CHECK(to_json(read.definition).dump(4) == replace_all(full_json(), "\\u00fc", "\xC3\xBC"));
}

TEST_CASE("azureml_environment.json: the fields that count") {
    const auto read = read_json(full_json());
    const Definition& definition = read.definition;
    CHECK(definition.name == "AzureML-PyTorch-1.6-GPU");
    CHECK(definition.version == "44");
    CHECK(definition.variables ==
          std::map<std::string, std::string>{{"EXAMPLE_ENV_VAR", "EXAMPLE_VALUE"}, {"A_SECOND", "3.10"}});
    CHECK(definition.base.image == "mcr.microsoft.com/azureml/openmpi3.1.2-cuda10.1-cudnn7-ubuntu18.04:20200821.v1");
    CHECK_FALSE(definition.user_managed);
    CHECK(definition.interpreter == "python");
    CHECK(definition.shm_size == "2g");
    CHECK(definition.arguments == std::vector<std::string>{"--ulimit", "memlock=-1"});
    CHECK(definition.platform.empty());  // the SDK always writes Linux and amd64
    CHECK(read.logins.empty());
    // The two keys that the SDK does not have are told of, and nothing else.
    CHECK(read.warnings.size() == 2);
    CHECK_THAT(warnings_of(read), Contains("'somethingNew' is not known") && Contains("'sparkVersion' of spark"));
}

TEST_CASE("azureml_environment.json: what is not said has the SDK's defaults") {
    const auto read = read_json(R"({"name": "x"})");
    const Json json = to_json(read.definition);
    std::string keys;
    for (const auto& [key, value] : json.as_object()) keys += key + " ";
    CHECK(keys ==
          "name version environmentVariables python docker spark databricks r inferencingStackVersion assetId ");
    CHECK(json["python"].dump() == R"({"userManagedDependencies":false,"interpreterPath":"python",)"
                                   R"("condaDependenciesFile":null,"baseCondaEnvironment":null})");
    CHECK(json["docker"].dump() ==
          R"({"enabled":false,"baseImage":null,"buildContext":null,"sharedVolumes":true,"shmSize":null,"arguments":[],)"
          R"("baseImageRegistry":{"address":null,"username":null,"password":null},)"
          R"("platform":{"os":"Linux","architecture":"amd64"}})");
    CHECK(json["spark"].dump() == R"({"repositories":[],"packages":[],"precachePackages":true})");
    // A definition made in memory is the same as one that was read.
    Definition made;
    made.name = "x";
    CHECK(to_json(made) == json);
}

TEST_CASE("azureml_environment.json: null sections are as absent ones") {
    const auto read = read_json(
        R"({"name": null, "version": null, "environmentVariables": null, "python": null, "docker": null, "spark": null})");
    CHECK(read.definition.name.empty());
    CHECK(read.warnings.empty());
    CHECK(to_json(read.definition)["spark"].is_null());
}

TEST_CASE("azureml_environment.json: credentials are read and never written") {
    const auto read = read_json(R"({"name": "x", "docker": {"baseImage": "r.example/i:1",
        "baseImageRegistry": {"address": "r.example", "username": "ann", "password": "hunter2"}}})");
    REQUIRE(read.logins.size() == 1);
    CHECK(read.logins[0].address == "r.example");
    CHECK(read.logins[0].user == "ann");
    CHECK(read.logins[0].password.reveal() == "hunter2");
    for (const auto& text : {to_json(read.definition).dump(4), read.definition.document.dump(), warnings_of(read)}) {
        CHECK_FALSE(text.contains("hunter2"));
        CHECK_FALSE(text.contains("ann\""));
    }
    CHECK(to_json(read.definition)["docker"]["baseImageRegistry"].dump() ==
          R"({"address":"r.example","username":null,"password":null})");
    CHECK_THAT(warnings_of(read), Contains("never saved"));
}

TEST_CASE("azureml_environment.json: no error shows the line of a password") {
    for (const std::string_view json : {
             R"({"docker": {"baseImageRegistry": {"password": "hunter2", "password": "x"}}})",
             R"({"docker": {"shmSize": "big", "baseImageRegistry": {"password": "hunter2"}}})",
             R"({"docker": {"baseImageRegistry": {"password": "hunter2",}}})",
             R"({"docker": {"baseImageRegistry": {"password": {"a": "hunter2"}}}})",
             R"({"docker": {"baseImageRegistry": {"password": "hunter2)",
         }) {
        const auto text = json_refusal(json);
        CHECK(text != "taken");
        CHECK_FALSE(text.contains("hunter2"));
    }
}

TEST_CASE("azureml_environment.json: conda dependencies given inline become the text of a conda file") {
    const auto read = read_json(R"({"name": "x", "python": {"condaDependencies": {
        "channels": ["anaconda", "conda-forge"],
        "dependencies": ["python=3.6.2", {"pip": ["torch==1.6.0", "azureml-core[a]==1.15 ; python_version < '3.9'", "# x"]}, "pip=20.1", "3.10"],
        "name": "project_environment", "variables": {"ON": "yes", "N": 1, "EMPTY": ""}, "prefix": null, "platforms": []}}})");
    CHECK(read.definition.conda_file.empty());
    CHECK(read.definition.conda_text == R"(channels:
  - anaconda
  - conda-forge
dependencies:
  - python=3.6.2
  - pip:
      - torch==1.6.0
      - azureml-core[a]==1.15 ; python_version < '3.9'
      - "# x"
  - pip=20.1
  - "3.10"
name: project_environment
variables:
  "ON": "yes"
  "N": 1
  EMPTY: ""
prefix: null
platforms: []
)");
    const auto again = parse_yaml(read.definition.conda_text, "again");
    REQUIRE(again);
    CHECK(again->find("dependencies")->items().size() == 4);
    CHECK(again->find("variables")->find("ON")->scalar_type() == YamlNode::ScalarType::String);
    CHECK(to_json(read.definition)["python"].find("condaDependencies") == nullptr);
}

TEST_CASE("azureml_environment.json: a Dockerfile's text or its path") {
    const Folder folder = std::move(Folder().file("docker/My.dockerfile", "# base\r\nFROM ubuntu:18.04\r\n"));
    CHECK(read_json(R"({"docker": {"baseDockerfile": "FROM ubuntu:18.04\nRUN echo {{x}}\n"}})")
              .definition.base.dockerfile == "FROM ubuntu:18.04\nRUN echo {{x}}\n");
    CHECK(read_json(R"({"docker": {"baseDockerfile": "FROM ubuntu:18.04"}})").definition.base.dockerfile ==
          "FROM ubuntu:18.04");
    const auto read = read_json(R"({"docker": {"baseDockerfile": "docker/My.dockerfile"}})", folder.path());
    CHECK(read.definition.base.dockerfile == "# base\nFROM ubuntu:18.04\n");
    CHECK(to_json(read.definition)["docker"].find("baseDockerfile") == nullptr);
}

TEST_CASE("azureml_environment.json: build contexts") {
    Folder folder;
    folder.file("ctx/Dockerfile", "FROM x\n").file("ctx/sub/D2", "FROM y\n");
    const auto context = [&](const std::string& fields) {
        return read_json(R"({"docker": {"buildContext": {)" + fields + "}}}", folder.path()).definition.base;
    };
    CHECK(
        context(
            R"("locationType": "git", "location": "https://github.com/a/b.git#main:docker", "dockerfilePath": "x/Dockerfile")")
            .context_is_git());
    CHECK(context(R"("location": "ctx")").context == "ctx");
    CHECK(context(R"("location": "./ctx/")").context == "ctx");
    CHECK(context(R"("locationType": "local", "location": "ctx", "dockerfilePath": "sub/D2")").context_dockerfile ==
          "sub/D2");
    CHECK(context(R"("locationType": null, "location": null, "dockerfilePath": null)").context.empty());
    CHECK(context(R"("locationType": "Git", "location": "ssh://git@host/r.git")").context == "ssh://git@host/r.git");
}

TEST_CASE("azureml_environment.json: platforms") {
    const auto platform = [](const std::string& fields) {
        return read_json(R"({"docker": {"platform": {)" + fields + "}}}").definition;
    };
    CHECK(platform(R"("os": "Linux", "architecture": "amd64")").platform.empty());
    CHECK(platform(R"("architecture": "arm64")").platform == "linux-aarch64");
    CHECK(to_json(platform(R"("os": "linux", "architecture": "ARM64")"))["docker"]["platform"].dump() ==
          R"({"os":"linux","architecture":"ARM64"})");
    Definition made;
    made.platform = "linux-aarch64";
    CHECK(to_json(made)["docker"]["platform"].dump() == R"({"os":"Linux","architecture":"arm64"})");
}

TEST_CASE("azureml_environment.json: description, tags and the GPU ask follow the SDK's fields") {
    const auto read = read_json(R"({"zeta": 1, "envbuild": {"gpu": true, "cuda": "11.8", "later": 1},
        "tags": {"b": "2", "a": "3.10"}, "description": "two\nlines", "name": "x"})");
    CHECK(read.definition.gpu.wanted);
    CHECK(read.definition.gpu.cuda == "11.8");
    CHECK(read.definition.tags.at("a") == "3.10");
    const auto text = to_json(read.definition).dump();
    CHECK_THAT(text, Contains(R"("assetId":null,"description":"two\nlines","tags":{"b":"2","a":"3.10"},)"
                              R"("envbuild":{"gpu":true,"cuda":"11.8","later":1},"zeta":1})"));
    CHECK(read_json(text).definition == read_json(to_json(read_json(text).definition).dump()).definition);
}

TEST_CASE("azureml_environment.json: fields without effect are told of") {
    const auto text =
        warnings_of(read_json(R"({"python": {"baseCondaEnvironment": "base", "userManagedDependncies": true},
        "spark": {"packages": [{"group": "g", "artifact": "a", "version": "1"}]}, "databricks": {"pypiLibraries": ["x"]},
        "r": {"rVersion": "3.6"}, "inferencingStackVersion": "latest"})"));
    CHECK_THAT(text, Contains("baseCondaEnvironment is kept and has no effect") && Contains("packages of spark") &&
                         Contains("pypiLibraries of databricks") && Contains(": warning: r is kept") &&
                         Contains("inferencingStackVersion is kept") &&
                         Contains("did you mean 'userManagedDependencies'?"));
}

TEST_CASE("azureml_environment.json: what is wrong is named at its place") {
    Folder folder;
    folder.file("ctx/README", "no Dockerfile");
    const auto refused = [&](std::string_view json) { return json_refusal(json, folder.path()); };
    CHECK_THAT(refused("[]"), Contains(":1:1: the file is a list"));
    CHECK_THAT(refused("{\n  \"name\": \"x\",\n}"), Contains("this is not JSON"));
    CHECK_THAT(refused("name: x\n"), Contains("this is not JSON"));
    CHECK_THAT(refused("{\"name\": \"x\",\n \"name\": \"y\"}"), Contains(":2:2: "));
    CHECK_THAT(refused("{\n\t\"version\": 3,\n\t\"docker\": []}"),
               Contains(":3:12: docker is a list and should be a mapping"));
    CHECK_THAT(refused(R"({"python": {"userManagedDependencies": "true"}})"),
               Contains(":1:40: ") && Contains("true or false"));
    CHECK_THAT(refused(R"({"name": "a b"})"), Contains("it holds ' '"));
    CHECK_THAT(refused(R"({"version": "1:2"})"), Contains("cannot be a version"));
    CHECK_THAT(refused(R"({"environmentVariables": {"1A": "x"}})"), Contains("no name for an environment variable"));
    CHECK_THAT(refused(R"({"environmentVariables": {"A": "x\ny"}})"), Contains("several lines"));
    CHECK_THAT(refused(R"({"environmentVariables": {"A": ["x"]}})"), Contains("is a list and should be a text"));
    CHECK_THAT(refused(R"({"docker": {"baseImage": "a", "baseDockerfile": "FROM x"}})"),
               Contains("baseImage and baseDockerfile are both set"));
    CHECK_THAT(refused(R"({"docker": {"baseImage": "a", "buildContext": {"location": "https://h/r.git"}}})"),
               Contains("baseImage and buildContext"));
    CHECK_THAT(refused(R"({"docker": {"baseDockerfile": "FROM x", "buildContext": {"location": "https://h/r.git"}}})"),
               Contains("baseDockerfile and buildContext"));
    CHECK_THAT(refused(R"({"docker": {"baseImage": "r/i:{{latest}}"}})"), Contains("template that was never rendered"));
    CHECK_THAT(refused(R"({"docker": {"baseDockerfile": "FROM r/i:{{tag}}\nRUN x"}})"), Contains("baseDockerfile:1: "));
    CHECK_THAT(refused(R"({"docker": {"baseDockerfile": "RUN x\nRUN y"}})"), Contains("needs a FROM"));
    CHECK_THAT(refused(R"({"docker": {"baseDockerfile": "nowhere"}})"), Contains("there is no file"));
    CHECK_THAT(refused(R"({"docker": {"baseDockerfile": "../Dockerfile"}})"), Contains("leads out"));
    CHECK_THAT(refused(R"({"docker": {"buildContext": {"location": "../ctx"}}})"), Contains("leads out"));
    CHECK_THAT(refused(R"({"docker": {"buildContext": {"location": "/etc"}}})"), Contains("leads out"));
    CHECK_THAT(refused(R"({"docker": {"buildContext": {"location": "none"}}})"), Contains("there is no folder"));
    CHECK_THAT(refused(R"({"docker": {"buildContext": {"location": "ctx"}}})"),
               Contains("there is no file Dockerfile"));
    CHECK_THAT(refused(R"({"docker": {"buildContext": {"location": "ctx", "dockerfilePath": "../D"}}})"),
               Contains("outside of the build context"));
    CHECK_THAT(
        refused(R"({"docker": {"buildContext": {"locationType": "storageAccount", "location": "https://a/b"}}})"),
        Contains("download it"));
    CHECK_THAT(refused(R"({"docker": {"buildContext": {"locationType": "svn", "location": "x"}}})"),
               Contains("known are git"));
    CHECK_THAT(refused(R"({"docker": {"buildContext": {"locationType": "git", "location": "ctx"}}})"),
               Contains("no URL"));
    CHECK_THAT(refused(R"({"docker": {"buildContext": {"locationType": "git", "location": "git@h:r.git"}}})"),
               Contains("ssh://git@"));
    CHECK_THAT(refused(R"({"docker": {"buildContext": {"location": "https://u:pw@h/r.git"}}})"),
               Contains("holds a user or a password") && !Contains("pw@"));
    CHECK_THAT(refused(R"({"docker": {"shmSize": "2 gigs"}})"), Contains("shmSize is '2 gigs'"));
    CHECK_THAT(refused(R"({"docker": {"arguments": "-v"}})"), Contains("should be a list"));
    CHECK_THAT(refused(R"({"docker": {"platform": {"os": "Windows"}}})"), Contains("are not built"));
    CHECK_THAT(refused(R"({"python": {"condaDependenciesFile": "no.yml"}})"), Contains("there is no file"));
    CHECK_THAT(refused(R"({"python": {"condaDependenciesFile": "../c.yml"}})"), Contains("leads out"));
    CHECK_THAT(refused(R"({"python": {"condaDependencies": "c.yml"}})"), Contains("should be a mapping"));
}

TEST_CASE("azureml_environment.json: a value of another type is refused where it stands") {
    Folder folder;
    folder.file("5/Dockerfile", "FROM x\n").file("5.yml", "dependencies: [python]\n");
    const auto refused = [&](const std::string& json) { return json_refusal(json, folder.path()); };
    CHECK_THAT(
        refused("{\"docker\": {\n  \"baseImage\": 5}}"),
        Contains("azureml_environment.json:2:16: baseImage is a number and should be a text") && Contains("\"5\""));
    for (const auto* json : {R"({"name": 5})",
                             R"({"version": true})",
                             R"({"description": 5})",
                             R"({"tags": {"a": 5}})",
                             R"({"environmentVariables": {"A": 1.0}})",
                             R"({"environmentVariables": {"A": true}})",
                             R"({"docker": {"baseImage": true}})",
                             R"({"docker": {"baseImage": ["a"]}})",
                             R"({"docker": {"baseDockerfile": 5}})",
                             R"({"docker": {"shmSize": 2048}})",
                             R"({"docker": {"arguments": [5]}})",
                             R"({"docker": {"buildContext": {"location": 5}}})",
                             R"({"docker": {"buildContext": {"location": "5", "dockerfilePath": 5}}})",
                             R"({"docker": {"buildContext": {"location": "5", "locationType": 5}}})",
                             R"({"docker": {"platform": {"os": 5}}})",
                             R"({"docker": {"platform": {"architecture": 64}}})",
                             R"({"docker": {"baseImageRegistry": {"address": 5}}})",
                             R"({"docker": {"baseImageRegistry": {"password": 5}}})",
                             R"({"python": {"interpreterPath": 3.11}})",
                             R"({"python": {"condaDependenciesFile": 5}})",
                             R"({"python": {"userManagedDependencies": "true"}})",
                             R"({"envbuild": {"gpu": 1}})",
                             R"({"envbuild": {"cuda": true}})",
                             R"({"envbuild": {"targetCpu": 5}})"}) {
        INFO(json);
        CHECK_THAT(refused(json), Contains("azureml_environment.json:1:") && Contains("should be "));
    }
    CHECK(read_json(R"({"version": 7, "envbuild": {"cuda": 11.8}})").definition.gpu.cuda == "11.8");
}

TEST_CASE("azureml_environment.json: a slip is one of JSON, at its place") {
    CHECK_THAT(
        json_refusal("{\"name\": \"x\"\n \"docker\": {}}"),
        Contains("azureml_environment.json:2:2: this is not JSON: a comma or '}' is missing") && !Contains("YAML"));
    CHECK_THAT(json_refusal("{\"name\": \"x\"\n"), Contains(":1:1: this is not JSON") && !Contains("YAML"));
    CHECK_THAT(json_refusal("{\"docker\": {\"baseImageRegistry\": {\"password\": \"hunter2\",}}}"),
               Contains("this is not JSON") && !Contains("hunter2"));
}

TEST_CASE("azureml_environment.json: rare fields of a registry stay") {
    const auto read = read_json(R"({"docker": {"baseImageRegistry": {"address": "r.lab", "password": "p",
        "registryIdentity": {"resourceId": "/a/b", "clientId": "c"}, "more": [1]}}})");
    const auto registry = to_json(read.definition)["docker"]["baseImageRegistry"];
    CHECK(registry["registryIdentity"].string_or("resourceId", "") == "/a/b");
    CHECK(registry["more"].dump() == "[1]");
    CHECK(registry["password"].is_null());
}

TEST_CASE("azureml_environment.json: characters that JSON escapes") {
    const auto read = read_json(R"({"description": "a\/b \ud83d\ude00 \u00e9 \t", "tags": {"\ud83d\ude00": "x"}})");
    CHECK(read.definition.description == "a/b \xF0\x9F\x98\x80 \xC3\xA9 \t");
    CHECK(read.definition.tags.begin()->first == "\xF0\x9F\x98\x80");
}
