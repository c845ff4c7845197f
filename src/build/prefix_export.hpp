// What an existing conda environment holds, as an environment file: the way of `conda env export --no-builds`, read
// from its files, so that no conda is needed.
#pragma once

#include <filesystem>
#include <string>

namespace envbuild::build {

// conda-meta/*.json for conda's packages, *.dist-info of the site-packages for what pip put there. Throws Error:
// InvalidInput for a folder that is no conda environment, Corrupt for a record that is not JSON, naming the file.
[[nodiscard]] std::string export_prefix(const std::filesystem::path& prefix);

}  // namespace envbuild::build
