// Which platform a CPU belongs to (curated/cpus.yaml).
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace envbuild::catalog {

// Immutable; thread-safe to read.
class CpuPlatforms {
  public:
    // Throws Error(InvalidInput) with file:line:column.
    [[nodiscard]] static CpuPlatforms load(const std::filesystem::path& directory);

    // The conda subdir of an archspec name; "" for one that is not listed.
    [[nodiscard]] std::string platform_of(std::string_view cpu) const;

  private:
    std::vector<std::pair<std::string, std::string>> rows_;  // name, or its beginning and "*"; platform
};

}  // namespace envbuild::catalog
