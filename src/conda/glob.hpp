// Patterns of MatchSpecs: globs and regular expressions. Internal to conda/.
#pragma once

#include <regex>
#include <string_view>

#include "base/error.hpp"

namespace envbuild::conda {

// '*' stands for any text, everything else for itself. Time is linear in practice and at worst the product of the
// lengths.
[[nodiscard]] bool glob_matches(std::string_view pattern, std::string_view text);

// InvalidInput where it does not compile (ECMAScript) or is longer than 512 characters, which keeps its matching
// bounded.
[[nodiscard]] Expected<std::regex> compile_anchored_regex(std::string_view pattern);
// Python's re.match: anchored at the start alone. A text over 1024 characters does not match.
[[nodiscard]] bool regex_matches(const std::regex& regex, std::string_view text);

}  // namespace envbuild::conda
