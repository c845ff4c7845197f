// Everything that a package's info/ folder says about linking it, read in one pass.
#pragma once

#include <string>
#include <vector>

#include "conda/archive.hpp"
#include "conda/index_json.hpp"
#include "conda/paths_json.hpp"

namespace envbuild::conda {

struct PackageInfo {
    IndexJson index;
    PathsJson paths;
    LinkJson link;
    std::vector<std::string> warnings;

    // noarch: python, said by index.json or by link.json.
    [[nodiscard]] bool is_noarch_python() const { return index.noarch == "python" || link.noarch == "python"; }
};

// Error(Corrupt) that names package and file when something required is missing or wrong.
[[nodiscard]] PackageInfo read_package_info(const CondaArchive& archive);

// Throws Error(Corrupt) unless name, version and build are what the channel's record promised.
void check_identity(const PackageInfo& info, std::string_view file_name, std::string_view name,
                    std::string_view version, std::string_view build);

}  // namespace envbuild::conda
