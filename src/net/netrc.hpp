// The netrc format of ftp(1), as curl and requests read it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/url.hpp"

namespace envbuild::net {

struct NetrcEntry {
    std::string machine;  // lower case; entries named "default" are left out
    UserInfo user;
};

// Never fails: what is not understood is passed over, as other readers do. `macdef` bodies are skipped; values may be
// quoted.
[[nodiscard]] std::vector<NetrcEntry> parse_netrc(std::string_view text);

}  // namespace envbuild::net
