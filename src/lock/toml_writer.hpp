// TOML 1.0 as envbuild writes it.
#pragma once

#include <string>
#include <string_view>

namespace envbuild::lock {

// A basic string: in quotes, with what TOML wants escaped. `text` is UTF-8.
[[nodiscard]] std::string toml_string(std::string_view text);

}  // namespace envbuild::lock
