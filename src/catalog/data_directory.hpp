// Where the data files (curated/*.yaml) are.
#pragma once

#include <filesystem>
#include <vector>

namespace envbuild::catalog {

// The first of: `configured` (a setting; nothing else is tried when it is given),
// <executable>/../share/envbuild/curated, the source tree's curated/ above the executable. Throws Error(NotFound) that
// lists the places.
[[nodiscard]] std::filesystem::path find_data_directory(const std::filesystem::path& configured,
                                                        const std::filesystem::path& executable);
// The path of the running program (/proc/self/exe).
[[nodiscard]] std::filesystem::path executable_path();

}  // namespace envbuild::catalog
