// Symlinks in trees that are copied to other places.
#pragma once

#include <filesystem>
#include <string_view>

namespace envbuild::spec {

// Whether a symlink at `path` (relative, with '/') leads to something in the tree, whatever other symlinks it passes:
// "..", only in front, climbs real folders, and each name after it is in the tree or a symlink of which the same holds.
[[nodiscard]] bool link_stays_inside(std::string_view path, std::string_view target);

// Whether `path`, symlinks followed, lies in `directory`.
[[nodiscard]] bool lies_inside(const std::filesystem::path& path, const std::filesystem::path& directory);

// InvalidInput where `path` is written as something in `directory` and symlinks lead it out: who gets a copy of the
// directory would not have it. What is written as a path out of it is not looked at.
void refuse_link_out(const std::filesystem::path& path, const std::filesystem::path& directory);

}  // namespace envbuild::spec
