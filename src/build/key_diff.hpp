// Which part of two keys differs: of two intents, or of two locks, member by member of what is hashed.
#pragma once

#include <string>
#include <vector>

#include "base/json.hpp"

namespace envbuild::build {

struct KeyDifference {
    std::string part;  // "conda", "variables.OMP_NUM_THREADS", "base"
    // What only one side has; both of a value that changed. "" where there is none.
    std::string before, after;
    bool operator==(const KeyDifference&) const = default;
};

// Lists of texts are compared as sets (one difference an element), except those whose order counts (channels, indexes,
// steps), which are compared whole; lists of objects by their "name". In the order of the parts' names.
[[nodiscard]] std::vector<KeyDifference> key_differences(const Json& before, const Json& after);

}  // namespace envbuild::build
