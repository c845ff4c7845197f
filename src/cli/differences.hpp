// How the parts in which two keys differ are told.
#pragma once

#include <string>
#include <vector>

#include "base/json.hpp"
#include "build/key_diff.hpp"

namespace envbuild::cli {

// "conda: numpy 1.26.4 -> numpy >=2", "variables.LANG: + C.UTF-8", "pip: - six".
[[nodiscard]] std::string text_of(const build::KeyDifference& difference);
// [{"part", "before", "after"}], null for a side that has nothing.
[[nodiscard]] Json to_json(const std::vector<build::KeyDifference>& differences);

}  // namespace envbuild::cli
