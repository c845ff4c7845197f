// Text files as people have them: PowerShell's UTF-16, byte order marks, three kinds of line ends.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"

namespace envbuild {

// UTF-8 without byte order mark and with "\n" line ends, from UTF-8, UTF-16 or UTF-32 (told by their mark, UTF-16 also
// by its NUL bytes), CRLF or lone CR. InvalidInput, with `file` and the line, for the first byte that is no text:
// Latin-1, NUL, control characters other than tab, form feed and line ends.
[[nodiscard]] Expected<std::string> decode_text(std::string_view bytes, const std::string& file);

}  // namespace envbuild
