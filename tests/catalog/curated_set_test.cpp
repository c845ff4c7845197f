#include "catalog/curated_set.hpp"

#include <algorithm>

#include "base/fs.hpp"
#include "catalog/base_images.hpp"
#include "spec/environment_reader.hpp"

using namespace envbuild;
using namespace envbuild::catalog;
using Catch::Contains;
using Catch::StartsWith;

namespace {

const std::filesystem::path kCurated = std::filesystem::path(ENVBUILD_SOURCE_DIR) / "curated";

const CuratedSet& real() {
    static const auto set = load_curated(kCurated / "environments");
    return set;
}

constexpr const char* kGood = R"(name: Good-1.9
description: what it is for
tags: {framework: Some, python: "3.11"}
test: test.py
versions:
  - version: 4
    image: ubuntu:22.04
    conda_file: conda.yml
    gpu: true
    cuda: 11.8
    variables: {A: 1.10}
    platform: linux-64
    tags: {python: "3.10"}
    status: unsatisfiable
    note: why
    source: here
    date: "2026-11-23"
  - {version: 10, conda_file: conda.yml, source: here, date: "2026-11-23"}
  - {version: 5, dockerfile: Dockerfile, status: deprecated, source: here, date: "2026-11-23"}
)";

// A folder of curated environments.
class Folder {
  public:
    // As `text`, in a folder of `name`, with every file that a version could name.
    Folder& add(const std::string& name, const std::string& text) {
        const auto directory = dir_.path() / name;
        write_file_atomic(directory / "environment.yaml", text);
        write_file_atomic(directory / "conda.yml", "dependencies: [python=3.11]\n");
        write_file_atomic(directory / "Dockerfile", "FROM ubuntu:22.04\n");
        write_file_atomic(directory / "test.py", "import sys\n");
        return *this;
    }
    // kGood with one text replaced.
    Folder& add_changed(const std::string& from, const std::string& to) {
        std::string text = kGood;
        const auto at = text.find(from);
        REQUIRE(at != std::string::npos);
        return add("Good-1.9", text.replace(at, from.size(), to));
    }
    [[nodiscard]] CuratedSet load() const { return load_curated(dir_.path()); }
    [[nodiscard]] Error fault() const {
        const auto set = load();
        REQUIRE(set.faults.size() == 1);
        REQUIRE(set.environments.empty());
        return set.faults.front().error;
    }
    [[nodiscard]] const std::filesystem::path& path() const { return dir_.path(); }

  private:
    TempDir dir_{"curated"};
};

std::vector<std::string> names_of(const CuratedSet& set) {
    std::vector<std::string> names;
    for (const auto& environment : set.environments) names.push_back(environment.name);
    return names;
}

}  // namespace

TEST_CASE("a curated environment is read with all its fields") {
    const auto set = Folder().add("Good-1.9", kGood).load();
    REQUIRE(set.faults.empty());
    REQUIRE(set.environments.size() == 1);
    const auto& environment = set.environments.front();
    CHECK(environment.description == "what it is for");
    CHECK(environment.test == "test.py");
    REQUIRE(environment.versions.size() == 3);

    const auto& first = environment.versions[0];
    CHECK(first.definition.name == "Good-1.9");
    CHECK(first.definition.version == "4");
    CHECK(first.definition.description == "what it is for");
    CHECK(first.definition.base.image == "ubuntu:22.04");
    CHECK(first.definition.conda_file == "conda.yml");
    CHECK(first.definition.gpu.wanted);
    CHECK(first.definition.gpu.cuda == "11.8");
    CHECK(first.definition.variables == std::map<std::string, std::string>{{"A", "1.10"}});
    CHECK(first.definition.platform == "linux-64");
    CHECK(first.definition.tags == std::map<std::string, std::string>{{"framework", "Some"}, {"python", "3.10"}});
    CHECK_FALSE(first.definition.user_managed);
    CHECK(first.status == CuratedStatus::Unsatisfiable);
    CHECK(first.note == "why");
    CHECK(first.source == "here");
    CHECK(first.date == "2026-11-23");

    const auto& second = environment.versions[1].definition;
    CHECK(second.tags.at("python") == "3.11");
    CHECK_FALSE(second.gpu.wanted);
    CHECK(environment.versions[1].status == CuratedStatus::Current);
    const auto& third = environment.versions[2].definition;
    CHECK(third.user_managed);
    CHECK(third.base.dockerfile == "FROM ubuntu:22.04\n");
}

TEST_CASE("versions stay in the file's order, and the latest is one that can be had") {
    const auto set = Folder().add("Good-1.9", kGood).load();
    const auto& environment = set.environments.front();
    CHECK(environment.latest().definition.version == "5");
    REQUIRE(environment.find("10") != nullptr);
    CHECK(environment.find("10")->definition.version == "10");
    CHECK(environment.find("11") == nullptr);

    std::string text = kGood;
    text.resize(text.find("  - {version: 10"));
    const auto alone = Folder().add("Good-1.9", text).load();
    CHECK(alone.environments.front().latest().definition.version == "4");
}

TEST_CASE("environments are in the order of the numbers in their names") {
    Folder folder;
    for (const auto* name :
         {"Torch-1.10-CPU", "Torch-1.9-CPU", "torch-1.9-GPU", "Torch-2.0-CPU", "Torch-1.9", "Alpha"}) {
        std::string text = kGood;
        folder.add(name, text.replace(text.find("Good-1.9"), 8, name));
    }
    CHECK(names_of(folder.load()) == std::vector<std::string>{"Alpha", "Torch-1.9", "Torch-1.9-CPU", "torch-1.9-GPU",
                                                              "Torch-1.10-CPU", "Torch-2.0-CPU"});
    const auto set = folder.load();
    REQUIRE(set.find("tORCH-1.10-cpu") != nullptr);
    CHECK(set.find("tORCH-1.10-cpu")->name == "Torch-1.10-CPU");
    CHECK(set.find("Torch-1.1") == nullptr);
}

TEST_CASE("a broken folder is a fault, and the others go on") {
    Folder folder;
    folder.add("Good-1.9", kGood).add("Broken-2", "name: [\n").add("Broken-10", "name: Broken-10\n");
    std::filesystem::create_directories(folder.path() / "Empty");
    write_file_atomic(folder.path() / "README.md", "no environment\n");
    const auto set = folder.load();
    CHECK(names_of(set) == std::vector<std::string>{"Good-1.9"});
    REQUIRE(set.faults.size() == 3);
    CHECK(set.faults[0].name == "Broken-2");
    CHECK(set.faults[1].name == "Broken-10");
    CHECK(set.faults[2].name == "Empty");
    CHECK(set.faults[2].error.kind() == ErrorKind::NotFound);
    CHECK(load_curated(folder.path() / "nowhere").environments.empty());
}

TEST_CASE("what is wrong with a folder is said with its place") {
    const auto fault = [](const std::string& from, const std::string& to) {
        const auto error = Folder().add_changed(from, to).fault();
        CHECK(error.kind() == ErrorKind::InvalidInput);
        return error.to_string();
    };
    CHECK_THAT(fault("description:", "desciption:"), Contains("environment.yaml:2:1") && Contains("no 'desciption'") &&
                                                         Contains("did you mean 'description'?"));
    CHECK_THAT(fault("conda_file: conda.yml\n    gpu", "condafile: conda.yml\n    gpu"),
               Contains("environment.yaml:8:5") && Contains("did you mean 'conda_file'?"));
    CHECK_THAT(fault("name: Good-1.9", "name: Other"), Contains("'Other' is not its folder's, 'Good-1.9'"));
    CHECK_THAT(fault("description: what it is for\n", ""), Contains("needs 'description'"));
    CHECK_THAT(fault("test: test.py\n", ""), Contains("needs 'test'"));
    CHECK_THAT(fault("test: test.py", "test: none.py"), Contains(":4:7") && Contains("no file 'none.py'"));
    CHECK_THAT(fault("test: test.py", "test: ../test.py"), Contains("without a path"));
    CHECK_THAT(fault("conda_file: conda.yml\n    gpu", "conda_file: ..\n    gpu"), Contains("without a path"));
    CHECK_THAT(fault("conda_file: conda.yml\n    gpu", "conda_file: other.yml\n    gpu"),
               Contains("no file 'other.yml'"));
    CHECK_THAT(fault("version: 10", "version: 4"), Contains("version '4' is there twice"));
    CHECK_THAT(fault("- version: 4\n    image", "- image"), Contains("needs 'version'"));
    CHECK_THAT(fault("unsatisfiable", "broken"), Contains("'broken' is no status"));
    CHECK_THAT(fault("    note: why\n", ""), Contains("needs a 'note'"));
    CHECK_THAT(fault("    gpu: true\n", ""), Contains("'cuda' says nothing without 'gpu: true'"));
    CHECK_THAT(fault("gpu: true", "gpu: sure"), Contains("environment.yaml:9:10"));
    CHECK_THAT(fault("    source: here\n", ""), Contains("needs 'source'"));
    CHECK_THAT(fault("platform: linux-64", "platform: linux-65"), Contains("linux-65"));
    CHECK_THAT(fault("dockerfile: Dockerfile", "dockerfile: Dockerfile, image: x"), Contains("exclude each other"));
    CHECK_THAT(fault("10, conda_file: conda.yml", "10"), Contains("needs 'conda_file'"));
    CHECK_THAT(fault("tags: {framework: Some, ", "tags: {framework: [Some], "), Contains("tags.framework"));
    CHECK_THAT(
        Folder().add("Good-1.9", "name: Good-1.9\ndescription: d\ntest: test.py\nversions: []\n").fault().to_string(),
        Contains("at least one version"));
    CHECK_THAT(Folder().add("Good-1.9", "name: Good-1.9\ndescription: d\ntest: test.py\n").fault().to_string(),
               Contains("needs 'versions'"));
    CHECK_THAT(
        Folder().add("bad name", "name: bad name\ndescription: d\ntest: test.py\nversions: []\n").fault().to_string(),
        Contains("environment.yaml:1:7"));
}

TEST_CASE("the curated set reads without a fault") {
    for (const auto& fault : real().faults) FAIL_CHECK(fault.name << ": " << fault.error.to_string());
    CHECK(real().environments.size() > 60);
    for (const auto* name : {"AzureML-Minimal", "AzureML-PyTorch-1.6-GPU", "AzureML-TensorFlow-2.2-CPU",
                             "AzureML-Tutorial", "AzureML-Scikit-learn-0.20.3", "AzureML-Chainer-5.1.0-GPU",
                             "AzureML-Triton", "AzureML-PyTorch-1.13-CPU", "AzureML-PyTorch-1.13-GPU"}) {
        CAPTURE(name);
        CHECK(real().find(name) != nullptr);
    }
}

TEST_CASE("every curated definition has what the list shows and its files") {
    const auto images = BaseImageCatalog::load(kCurated);
    for (const auto& environment : real().environments) {
        CAPTURE(environment.name);
        CHECK_THAT(environment.name, StartsWith("AzureML-"));
        CHECK(std::filesystem::exists(environment.directory / "notes.md"));
        for (const auto& version : environment.versions) {
            const auto& definition = version.definition;
            CAPTURE(definition.version);
            for (const auto* tag : {"accelerator", "python", "os"}) CHECK(definition.tags.contains(tag));
            CHECK((definition.tags.at("accelerator") == "gpu") == definition.gpu.wanted);
            CHECK(definition.tags.contains("cuda") == definition.gpu.wanted);

            const auto* base = images.find(definition.base.image);
            REQUIRE(base != nullptr);
            CHECK((version.status != CuratedStatus::Current || !base->deprecated));
            CHECK(base->os == definition.tags.at("os"));
            if (definition.gpu.wanted) CHECK_THAT(base->cuda, StartsWith(definition.tags.at("cuda")));
        }
    }
}

TEST_CASE("every curated conda file reads without a warning, and a contradiction with its base is marked") {
    const auto images = BaseImageCatalog::load(kCurated);
    for (const auto& environment : real().environments) {
        for (const auto& version : environment.versions) {
            const auto& definition = version.definition;
            if (definition.conda_file.empty()) continue;
            const auto file = environment.directory / definition.conda_file;
            CAPTURE(file.string());
            spec::ReadOptions options;
            options.base_image = definition.base.image;
            options.gpu = definition.gpu;
            options.variables = definition.variables;
            const auto read =
                spec::read_environment_text(read_file(file), file.string(), environment.directory, options);
            for (const auto& warning : read.warnings) FAIL_CHECK(warning.to_string());
            CHECK(read.spec.asks_for("python"));
            const auto choice = images.choose(read.spec);
            if (!choice) {
                CHECK(choice.error().kind() == ErrorKind::Unsatisfiable);
                CHECK(version.status == CuratedStatus::Unsatisfiable);
            }
        }
    }
}

TEST_CASE("what a strict resolver refuses is followed by its correction") {
    int corrected = 0;
    for (const auto& environment : real().environments) {
        const auto& versions = environment.versions;
        for (std::size_t i = 0; i < versions.size(); ++i) {
            if (versions[i].status != CuratedStatus::Unsatisfiable) continue;
            CAPTURE(environment.name);
            REQUIRE(i + 1 < versions.size());
            CHECK(versions[i + 1].status != CuratedStatus::Unsatisfiable);
            CHECK(environment.latest().definition.version == versions.back().definition.version);
            ++corrected;
        }
    }
    CHECK(corrected >= 5);
}
