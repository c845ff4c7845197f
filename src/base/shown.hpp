// Text of servers and files in messages.
#pragma once

#include <string>
#include <string_view>

namespace envbuild {

// Without credentials, control characters and other bytes that are no text; cut where it is long.
[[nodiscard]] std::string shown(std::string_view text);

}  // namespace envbuild
