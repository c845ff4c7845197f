// ${VAR} in requirement lines and channel URLs, as pip expands it: capital letters, digits and '_' in braces.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/process_env.hpp"

namespace envbuild::pypi {

struct Expansion {
    struct Missing {
        std::string name;
        std::size_t offset = 0;  // of "${" in the text as written
    };
    // An unset variable leaves nothing. A value in a URL's user information is percent-encoded where it has to be.
    std::string text;
    std::vector<Missing> unset;              // outside credentials: an error for whoever asked
    std::vector<Missing> unset_credentials;  // in a URL's user information, which is for the wire alone
};

[[nodiscard]] Expansion expand_variables(std::string_view text, const ProcessEnv& env);

}  // namespace envbuild::pypi
