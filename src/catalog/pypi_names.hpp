// Which projects of a package index a conda package is (curated/pypi-names.yaml, which states the rule).
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "conda/package_record.hpp"

namespace envbuild::catalog {

// Immutable; thread-safe to read.
class PypiNames {
  public:
    // Throws Error(InvalidInput) with file:line:column.
    [[nodiscard]] static PypiNames load(const std::filesystem::path& directory);

    // Normalised names; none for a package that is no Python project.
    [[nodiscard]] std::vector<std::string> of(const conda::PackageRecord& record) const;

  private:
    std::map<std::string, std::vector<std::string>, std::less<>> names_;
};

}  // namespace envbuild::catalog
