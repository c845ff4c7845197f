// YAML scalars written so that every reader takes them as the same string.
#pragma once

#include <string>
#include <string_view>

namespace envbuild::lock {

// The text as a YAML scalar on one line: plain where YAML 1.1 and 1.2 both read a plain one as this string, else
// single-quoted, else (control characters) double-quoted with JSON's escapes.
[[nodiscard]] std::string yaml_scalar(std::string_view text);

}  // namespace envbuild::lock
