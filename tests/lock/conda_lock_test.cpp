#include "lock/conda_lock.hpp"

#include <array>

#include "base/fs.hpp"
#include "lock/lock_support.hpp"
#include "spec/yaml.hpp"
#include "support/shared_data.hpp"

using namespace envbuild;
using namespace envbuild::lock;
using namespace envbuild::lock::test;
using Catch::Contains;

namespace {

const conda::Platform kLinux;

Expected<ReadLock> read_lock(std::string_view text, const std::string& file, const conda::Platform& platform) {
    const auto lock = CondaLockFile::parse(text, file);
    if (!lock) return std::unexpected(lock.error());
    return lock->read(platform);
}

std::string error_of(std::string_view text) {
    const auto read = read_lock(text, "my-lock.yml", kLinux);
    return read ? "" : read.error().to_string();
}

// What another tool writes: one package, with `change` applied to the text.
std::string foreign(const std::string& from = "", const std::string& to = "") {
    std::string text =
        "version: 1\n"
        "metadata:\n"
        "  content_hash: {linux-64: abc}\n"
        "  channels:\n"
        "  - url: conda-forge\n"
        "    used_env_vars: []\n"
        "  platforms: [linux-64]\n"
        "  sources: [environment.yml]\n"
        "package:\n"
        "- name: attrs\n"
        "  version: 24.1.0\n"
        "  manager: conda\n"
        "  platform: linux-64\n"
        "  dependencies:\n"
        "    python: '>=3.7'\n"
        "  url: https://conda.anaconda.org/conda-forge/noarch/attrs-24.1.0-pyh71513ae_3.conda\n"
        "  hash:\n"
        "    md5: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n"
        "    sha256: 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n"
        "  category: main\n"
        "  optional: false\n"
        "- name: python\n"
        "  version: '3.10'\n"
        "  manager: conda\n"
        "  platform: linux-64\n"
        "  dependencies: {}\n"
        "  url: https://conda.anaconda.org/conda-forge/linux-64/python-3.10-h1_0.tar.bz2\n"
        "  hash: {sha256: 1123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef}\n"
        "  category: main\n"
        "- name: requests\n"
        "  version: 2.0\n"
        "  manager: pip\n"
        "  platform: linux-64\n"
        "  dependencies: {Idna: '>=2'}\n"
        "  url: https://files.pythonhosted.org/x/requests-2.0-py3-none-any.whl#sha256=aa\n"
        "  hash: {sha256: 2123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef}\n"
        "  category: main\n"
        "- name: pytest\n"
        "  version: '8'\n"
        "  manager: conda\n"
        "  platform: linux-64\n"
        "  dependencies: {}\n"
        "  url: https://conda.anaconda.org/conda-forge/noarch/pytest-8-0.conda\n"
        "  hash: {md5: bb}\n"
        "  category: dev\n";
    if (!from.empty()) {
        const auto at = text.find(from);
        REQUIRE(at != std::string::npos);
        text.replace(at, from.size(), to);
    }
    return text;
}

}  // namespace

TEST_CASE("a lock comes back from its file with the same hash") {
    const auto lock = full_lock();
    const auto text = write_conda_lock(lock);
    const auto read = read_lock(text, "conda-lock.yml", kLinux);
    REQUIRE(read);
    CHECK(read->missing.empty());
    CHECK(read->lock.hash() == lock.hash());
    CHECK(read->lock.canonical().dump(1) == lock.canonical().dump(1));
    CHECK(read->lock.spec_hash == lock.spec_hash);
    CHECK(read->lock.intent == lock.intent);
    CHECK(read->lock.base.glibc == lock.base.glibc);
    CHECK(read->lock.pip[2].url == lock.pip[2].url);
    CHECK(read->lock.pip[2].requires_dist == lock.pip[2].requires_dist);
    CHECK(write_conda_lock(read->lock) == write_conda_lock(read_lock(text, "again.yml", kLinux)->lock));
    CHECK(write_conda_lock(lock) == text);
}

TEST_CASE("several platforms in one file: each comes back as from a file of its own") {
    const auto native = full_lock();
    auto arm = full_lock();
    arm.platform = value_or_throw(conda::Platform::parse("linux-aarch64"));
    arm.base.glibc = "2.31";
    arm.virtual_packages["__archspec"] = "1=aarch64";
    arm.conda.pop_back();
    const auto text = write_conda_lock(std::vector{native, arm}, "environment.yml");
    const auto file = value_or_throw(CondaLockFile::parse(text, "lock.yml"));
    CHECK(file.platforms() == std::vector<std::string>{"linux-64", "linux-aarch64"});
    for (const auto* lock : std::array<const Lock*, 2>{&native, &arm}) {
        const auto read = file.read(lock->platform);
        REQUIRE(read);
        CHECK(read->missing.empty());
        CHECK(read->lock.canonical() == lock->canonical());
        CHECK(read->lock.hash() == lock->hash());
    }
    CHECK_THAT(text, Contains("envbuild.linux-aarch64.base.glibc: '2.31'"));
    CHECK_THAT(text, Contains("  platforms:\n  - linux-64\n  - linux-aarch64\n"));
    const auto other = file.read(value_or_throw(conda::Platform::parse("linux-ppc64le")));
    REQUIRE_FALSE(other);
    CHECK_THAT(other.error().to_string(), Contains("linux-64, linux-aarch64"));
    CHECK(write_conda_lock(std::vector{native}, "environment.yml") == write_conda_lock(native));
}

TEST_CASE("a lock of nothing comes back too") {
    Lock lock;
    lock.base = {"docker.io/library/ubuntu:22.04", sha256("base"), "2.35", "", ""};
    const auto read = read_lock(write_conda_lock(lock), "conda-lock.yml", kLinux);
    REQUIRE(read);
    CHECK(read->lock.hash() == lock.hash());
}

TEST_CASE("a lock file that was edited or cut off is refused, unless it was on purpose") {
    auto text = write_conda_lock(full_lock());
    // Wherever it ends: in the middle of an entry, or behind a whole one.
    const auto begin = text.find("\npackage:\n") + std::string("\npackage:\n").size();
    for (auto end = begin; end + 60 < text.size(); end += 7) {
        INFO(text.substr(end - 20, 20));
        CHECK_FALSE(read_lock(text.substr(0, end), "conda-lock.yml", kLinux));
    }
    const auto sha = full_lock().conda[0].sha256->hex();
    text.replace(text.find(sha), 64, std::string(64, 'a'));
    const auto refused = read_lock(text, "conda-lock.yml", kLinux);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().kind() == ErrorKind::Corrupt);
    CHECK_THAT(refused.error().to_string(), Contains("conda-lock.yml:") && Contains("changed or cut off"));
    const auto line = text.find("    envbuild.lock_hash:");
    text.erase(line, text.find('\n', line) + 1 - line);
    const auto read = read_lock(text, "conda-lock.yml", kLinux);
    REQUIRE(read);
    CHECK(read->lock.hash() != full_lock().hash());
}

TEST_CASE("the file has conda-lock's shape, and all that is envbuild's is a string under custom_metadata") {
    const auto root = *spec::parse_yaml(write_conda_lock(full_lock()), "conda-lock.yml");
    CHECK(root.find("version")->as_int("version") == 1);
    const auto& metadata = *root.find("metadata");
    CHECK(metadata.find("content_hash")->find("linux-64")->text() == full_lock().spec_hash);
    CHECK(metadata.find("channels")->items()[1].find("url")->text() == "file:///srv/my channel");
    CHECK(metadata.find("channels")->items()[1].find("used_env_vars")->is_sequence());
    CHECK(metadata.find("platforms")->items()[0].text() == "linux-64");
    for (const auto& [key, value] : metadata.find("custom_metadata")->members()) {
        CAPTURE(key.text());
        CHECK(key.text().starts_with("envbuild."));
        CHECK(value.is_scalar());
        CHECK(value.scalar_type() == spec::YamlNode::ScalarType::String);
    }
    const auto& packages = root.find("package")->items();
    REQUIRE(packages.size() == 5);  // what only builds others is none of the packages
    for (const auto& package : packages) {
        CAPTURE(package.string_or("name", ""));
        for (const auto* key :
             {"name", "version", "manager", "platform", "dependencies", "url", "hash", "category", "optional"}) {
            CHECK(package.find(key) != nullptr);
        }
        CHECK(package.find("hash")->find("sha256") != nullptr);
        for (const auto& [name, demand] : package.find("dependencies")->members()) {
            CHECK(demand.scalar_type() == spec::YamlNode::ScalarType::String);
        }
    }
    // A name that is demanded twice has both demands; pip's markers, extras and spaces go.
    CHECK(packages[1].find("dependencies")->find("__glibc")->text() == ">=2.17,>=2.17,<3.0.a0");
    const auto& torch = *packages[4].find("dependencies");
    CHECK(torch.find("typing-extensions")->text() == ">=4.8.0");
    CHECK(torch.find("sympy")->text().empty());
    CHECK(torch.find("some-thing")->text() == ">=1,<2");
    CHECK(torch.find("opt-einsum") == nullptr);
}

TEST_CASE("another tool's lock is read, and what it leaves open is named") {
    const auto read = read_lock(foreign(), "conda-lock.yml", kLinux);
    REQUIRE(read);
    CHECK(read->missing == std::vector<std::string>{"base image", "virtual packages", "package details"});
    const auto& lock = read->lock;
    REQUIRE(lock.conda.size() == 2);
    CHECK(lock.conda[0].name == "python");  // dependencies first
    CHECK(lock.conda[0].version.to_string() == "3.10");
    CHECK(lock.conda[1].build == "pyh71513ae_3");
    CHECK(lock.conda[1].build_number == 3);
    CHECK(lock.conda[1].subdir == "noarch");
    CHECK(lock.conda[1].channel == "https://conda.anaconda.org/conda-forge");
    CHECK(lock.conda[1].depends == std::vector<std::string>{"python >=3.7"});
    CHECK(lock.channels == std::vector<std::string>{"https://conda.anaconda.org/conda-forge"});
    CHECK(lock.python_version == "3.10");
    REQUIRE(lock.pip.size() == 1);
    CHECK(lock.pip[0].version == "2.0");
    CHECK(lock.pip[0].file_name == "requests-2.0-py3-none-any.whl");
}

TEST_CASE("bad lock files are refused with the place") {
    CHECK_THAT(error_of("name: x\ndependencies: [numpy]\n"), Contains("no conda-lock file"));
    CHECK_THAT(error_of("[1, 2]"), Contains("my-lock.yml:1:1"));
    CHECK_THAT(error_of(foreign("version: 1\n", "version: 7\n")),
               Contains("my-lock.yml:1:10") && Contains("version 1"));
    CHECK_THAT(error_of(foreign("    sha256: 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n", "")),
               Contains("my-lock.yml:10:3") && Contains("'attrs' has no sha256"));
    CHECK_THAT(error_of(foreign("sha256: 0123", "sha256: xyz3")), Contains("is no sha256"));
    CHECK_THAT(error_of(foreign("manager: conda", "manager: cran")), Contains("'cran' is not known"));
    CHECK_THAT(error_of(foreign("attrs-24.1.0-pyh71513ae_3.conda", "attrs.zip")), Contains("no conda package"));
    CHECK_THAT(error_of(foreign("https://conda.anaconda.org/conda-forge/noarch/attrs", "../attrs")),
               Contains("my-lock.yml:16"));
    CHECK_THAT(error_of(foreign("name: attrs", "name: python")), Contains("'python' is there twice"));
    CHECK_THAT(error_of(foreign("24.1.0", "'24..1'")), Contains("my-lock.yml:11"));
    const auto other = read_lock(foreign(), "my-lock.yml", *conda::Platform::parse("linux-aarch64"));
    REQUIRE_FALSE(other);
    CHECK(other.error().kind() == ErrorKind::InvalidInput);
    CHECK_THAT(other.error().to_string(), Contains("no package for linux-aarch64") && Contains("it is for linux-64"));
}

TEST_CASE("custom_metadata that envbuild did not write is refused, not guessed at") {
    auto text = write_conda_lock(full_lock());
    const std::string from = "envbuild.requested: '[";
    text.replace(text.find(from), from.size(), "envbuild.requested: '{");
    const auto error = error_of(text);
    CHECK_THAT(error, Contains("custom_metadata does not hold what envbuild writes"));
}

TEST_CASE("credentials in a lock's URLs go no further") {
    const auto read = read_lock(foreign("https://files.", "https://user:secret@files."), "conda-lock.yml", kLinux);
    REQUIRE(read);
    CHECK_THAT(write_conda_lock(read->lock), !Contains("secret"));
}

TEST_CASE("conda's explicit format") {
    const auto lock = full_lock();
    const auto text = write_explicit(lock);
    CHECK_THAT(text, Catch::StartsWith(
                         "# platform: linux-64\n@EXPLICIT\nhttps://conda.anaconda.org/conda-forge/linux-64/libzlib"));
    CHECK_THAT(text, Contains("attrs-24.1.0-pyh71513ae_0.conda#" + lock.conda[2].md5 + "\n"));
}

TEST_CASE("real lock files of conda-lock are read where they are there") {
    const auto folder = envbuild::test::shared_file("lockfiles/conda-lock");
    if (!folder) return;
    int files = 0;
    for (const auto& entry : fs::directory_iterator(*folder)) {
        CAPTURE(entry.path().string());
        const auto read = read_lock(read_file(entry.path()), entry.path().string(), kLinux);
        REQUIRE(read);
        CHECK_FALSE(read->lock.conda.empty());
        const auto again = read_lock(write_conda_lock(read->lock), "again.yml", kLinux);
        REQUIRE(again);
        CHECK(again->lock.hash() == read->lock.hash());
        ++files;
    }
    CHECK(files > 0);
}

TEST_CASE("the file names what it was made from") {
    const auto root = *spec::parse_yaml(write_conda_lock(full_lock(), "my env: gpu.yml"), "conda-lock.yml");
    CHECK(root.find("metadata")->find("sources")->items()[0].text() == "my env: gpu.yml");
}
