// Globs of MatchSpecs. Internal to conda/.
#pragma once

#include <string_view>

namespace envbuild::conda {

// '*' stands for any text, everything else for itself. Time is linear in practice and at worst the product of the
// lengths.
[[nodiscard]] bool glob_matches(std::string_view pattern, std::string_view text);

}  // namespace envbuild::conda
