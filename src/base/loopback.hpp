// Which host names are this machine.
#pragma once

#include <string_view>

namespace envbuild {

// "localhost", 127.0.0.0/8 and "[::1]" as a URL's host has them; no look-up is made, and "127.evil.test" is a name.
[[nodiscard]] bool is_loopback(std::string_view host);

}  // namespace envbuild
