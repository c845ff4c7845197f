#include "catalog/pypi_names.hpp"

#include <catch2/catch.hpp>

#include "base/error.hpp"
#include "base/fs.hpp"

using namespace envbuild;
using Strings = std::vector<std::string>;

namespace {

conda::PackageRecord record(const std::string& name, Strings depends) {
    conda::PackageRecord record;
    record.name = name;
    record.depends = std::move(depends);
    return record;
}

}  // namespace

TEST_CASE("a conda package that depends on python is the project of its name, or those of the table") {
    const auto names = catalog::PypiNames::load(std::filesystem::path(ENVBUILD_SOURCE_DIR) / "curated");
    CHECK(names.of(record("numpy", {"libblas", "python >=3.11,<3.12.0a0"})) == Strings{"numpy"});
    CHECK(names.of(record("ruamel.yaml", {"python_abi 3.11.*"})) == Strings{"ruamel-yaml"});
    CHECK(names.of(record("pytorch", {"python"})) == Strings{"torch"});
    CHECK(names.of(record("pytorch-gpu", {"python"})).empty());
    // The program, not what calls it from Python.
    CHECK(names.of(record("cmake", {"libuv", "python-foo"})).empty());
    auto noarch = record("tabulate", {});
    noarch.noarch = conda::Noarch::Python;
    CHECK(names.of(noarch) == Strings{"tabulate"});
}

TEST_CASE("a table of names with a slip is refused with its place") {
    const TempDir folder("names");
    for (const auto* text : {"names:\n  a: [B_c]\n", "names:\n  a: {b: c}\n", "other:\n  a: []\n"}) {
        write_file_atomic(folder.path() / "pypi-names.yaml", text);
        try {
            static_cast<void>(catalog::PypiNames::load(folder.path()));
            FAIL("it was taken: " << text);
        } catch (const Error& error) {
            CHECK(error.kind() == ErrorKind::InvalidInput);
            CHECK_THAT(error.message(), Catch::Contains("pypi-names.yaml:"));
        }
    }
}
