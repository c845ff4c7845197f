// The data beside the repository, for checks that run only where it is there.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string_view>

namespace envbuild::test {

// $ENVBUILD_SHARED/<path> or ../shared/<path> beside the sources; nothing where there is none.
inline std::optional<std::filesystem::path> shared_file(std::string_view path) {
    const char* const set = std::getenv("ENVBUILD_SHARED");
    const std::filesystem::path root =
        set != nullptr ? std::filesystem::path(set) : std::filesystem::path(ENVBUILD_SOURCE_DIR) / ".." / "shared";
    auto file = root / path;
    if (!std::filesystem::exists(file)) return std::nullopt;
    return file;
}

}  // namespace envbuild::test
