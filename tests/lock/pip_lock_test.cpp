#include "lock/pip_lock.hpp"

#include <catch2/catch.hpp>

#include "lock/lock_support.hpp"
#include "lock/toml_writer.hpp"

using namespace envbuild;
using namespace envbuild::lock;
using Catch::Contains;

namespace {

PipPackage file(const std::string& name, const std::string& url) {
    PipPackage package;
    package.name = name;
    package.version = "1.0";
    package.url = url;
    package.file_name = package.expected_file_name();
    package.sha256 = sha256(url);
    return package;
}

Lock of(const PipPackage& package) {
    Lock lock;
    lock.pip = {package};
    return lock;
}

}  // namespace

TEST_CASE("pylock.toml says what, whence, with which hash and for whom") {
    const auto text = write_pylock(test::full_lock());
    CHECK(text ==
          "# This lock file was written by envbuild: what pip installs beside the conda packages.\n"
          "lock-version = \"1.0\"\n"
          "environments = [\"sys_platform == 'linux' and platform_machine == 'x86_64'\"]\n"
          "requires-python = \"==3.12.*\"\n"
          "created-by = \"envbuild\"\n"
          "\n[[packages]]\n"
          "name = \"mine\"\n"
          "archive = {url = \"https://example.org/mine-0.1.tar.gz\", hashes = {sha256 = \"" +
              sha256("mine").hex() +
              "\"}}\n"
              "\n[[packages]]\n"
              "name = \"torch\"\n"
              "version = \"2.4.0+cu118\"\n"
              "wheels = [{name = \"torch-2.4.0+cu118-cp312-cp312-linux_x86_64.whl\", url = "
              "\"https://download.pytorch.org/whl/cu118/torch-2.4.0%2Bcu118-cp312-cp312-linux_x86_64.whl\", "
              "hashes = {sha256 = \"" +
              sha256("torch").hex() + "\"}}]\n");
}

TEST_CASE("pylock.toml has a place for each kind of source") {
    auto repository = file("pkg", "git+https://host/a/pkg.git@0123456789abcdef0123456789abcdef01234567");
    repository.subdirectory = "py";
    CHECK_THAT(write_pylock(of(repository)),
               Contains("vcs = {type = \"git\", url = \"https://host/a/pkg.git\", commit-id = "
                        "\"0123456789abcdef0123456789abcdef01234567\", subdirectory = \"py\"}\n") &&
                   !Contains("version = \"1.0\"\nvcs"));
    CHECK_THAT(write_pylock(of(file("pkg", "./pkg"))), Contains("directory = {path = \"./pkg\"}\n"));
    CHECK_THAT(write_pylock(of(file("pkg", "../w/pkg-1.0-py3-none-any.whl"))),
               Contains("version = \"1.0\"\narchive = {path = \"../w/pkg-1.0-py3-none-any.whl\", hashes = {sha256 = "));
    CHECK_THAT(write_pylock(of(file("pkg", "https://host/pkg-1.0.tar.gz"))),
               Contains("sdist = {name = \"pkg-1.0.tar.gz\", url = \"https://host/pkg-1.0.tar.gz\", hashes = "));
    CHECK_THAT(write_pylock({}), Contains("packages = []\n"));
}

TEST_CASE("requirements are pinned with hashes behind what says where they are found") {
    pypi::IndexOptions indexes;
    indexes.index_urls = {"https://pypi.org/simple", "https://download.pytorch.org/whl/cu118"};
    CHECK(write_requirements(test::full_lock(), indexes) ==
          "# Written by envbuild for linux-64 and Python 3.12.4: what pip installs beside the conda packages.\n"
          "# Some of it may need those: pip install --no-deps -r takes what is here alone.\n"
          "--index-url https://pypi.org/simple\n"
          "--extra-index-url https://download.pytorch.org/whl/cu118\n"
          "mine @ https://example.org/mine-0.1.tar.gz --hash=sha256:" +
              sha256("mine").hex() + "\ntorch==2.4.0+cu118 --hash=sha256:" + sha256("torch").hex() + "\n");
    CHECK_THAT(write_requirements(of(file("pkg", "./w/pkg-1.0-py3-none-any.whl")), {}),
               Contains("\n./w/pkg-1.0-py3-none-any.whl --hash=sha256:"));
    for (const auto* url : {"./pkg", "git+https://host/pkg.git@0123456789abcdef0123456789abcdef01234567"}) {
        CHECK_THROWS_WITH(write_requirements(of(file("pkg", url)), {}), Contains("no hash that pip could check"));
    }
}

TEST_CASE("TOML strings are escaped") {
    CHECK(toml_string("a \"b\" \\ ä") == "\"a \\\"b\\\" \\\\ ä\"");
    CHECK(toml_string(std::string("\n\x7f\0", 3)) == "\"\\u000A\\u007F\\u0000\"");
}
