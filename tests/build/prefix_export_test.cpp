#include "build/prefix_export.hpp"
#include "base/error.hpp"
#include "base/fs.hpp"

using namespace envbuild;

TEST_CASE("a conda prefix is exported as conda env export --no-builds would") {
    const TempDir folder("prefix");
    const auto prefix = folder.path() / "train";
    write_file_atomic(prefix / "conda-meta/history", "");
    write_file_atomic(
        prefix / "conda-meta/python-3.11.2-h_0.json",
        R"({"name":"python","version":"3.11.2","channel":"https://conda.anaconda.org/conda-forge/linux-64"})");
    write_file_atomic(prefix / "conda-meta/six-1.16.0-py_0.json",
                      R"({"name":"six","version":"1.16.0","channel":"https://repo.lab/team/noarch",)"
                      R"("files":["lib/python3.11/site-packages/six-1.16.0.dist-info/METADATA"]})");
    write_file_atomic(prefix / "conda-meta/pip-23-py_0.json",
                      R"({"name":"pip","version":"23","channel":"https://conda.anaconda.org/conda-forge/noarch"})");
    const auto site = prefix / "lib/python3.11/site-packages";
    write_file_atomic(site / "six-1.16.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: six\nVersion: 1.16.0\n");
    write_file_atomic(site / "Torch_X-1.0.dist-info/METADATA", "Name: Torch_X\nVersion: 1.0\n\nName: no\n");
    CHECK(build::export_prefix(prefix) ==
          "name: \"train\"\nchannels:\n  - \"conda-forge\"\n  - \"https://repo.lab/team\"\ndependencies:\n"
          "  - \"pip=23\"\n  - \"python=3.11.2\"\n  - \"six=1.16.0\"\n  - pip:\n    - \"torch-x==1.0\"\n");
    // Folders have names that YAML would take for something else.
    const auto odd = folder.path() / "3.10: #x";
    fs::rename(prefix, odd);
    CHECK_THAT(build::export_prefix(odd), Catch::StartsWith("name: \"3.10: #x\"\n"));
    fs::rename(odd, prefix);
    CHECK_THROWS_AS(build::export_prefix(folder.path()), Error);
    write_file_atomic(prefix / "conda-meta/broken.json", "[]");
    CHECK_THROWS_AS(build::export_prefix(prefix), Error);
}
