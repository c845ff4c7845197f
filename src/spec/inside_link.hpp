// Symlinks in trees that are copied to other places.
#pragma once

#include <string_view>

namespace envbuild::spec {

// Whether a symlink at `path` (relative, with '/') leads to something in the tree, whatever other symlinks it passes:
// "..", only in front, climbs real folders, and each name after it is in the tree or a symlink of which the same holds.
[[nodiscard]] bool link_stays_inside(std::string_view path, std::string_view target);

}  // namespace envbuild::spec
