// Puts the real prefix in place of the one that a package was built for, as conda does.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "conda/archive_entry.hpp"

namespace envbuild::link {

// Every occurrence; then a first line `#!…` that is over 127 bytes long (Linux cuts it there), or whose interpreter's
// path holds a space, becomes `#!/usr/bin/env <name> <options>`.
[[nodiscard]] std::string replace_text_prefix(std::string_view text, std::string_view placeholder,
                                              std::string_view prefix);
[[nodiscard]] std::string shorten_shebang(std::string text);

// The file's size never changes: within each NUL-terminated string that holds the placeholder, every occurrence is
// replaced and the string is filled up with NULs at its end. An occurrence with no NUL after it stays as it is. The
// result reads from `inner`, which must outlive it. Corrupt when the prefix is longer than the placeholder.
[[nodiscard]] Expected<std::unique_ptr<conda::ContentReader>> binary_prefix_reader(conda::ContentReader& inner,
                                                                                   std::string placeholder,
                                                                                   std::string prefix);

}  // namespace envbuild::link
