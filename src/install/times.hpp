// Modification times that do not tell when an environment was made.
#pragma once

#include <cstdint>
#include <filesystem>
#include <set>
#include <string>

namespace envbuild::install {

// Gives every directory below `folder`, itself too, and every other entry that is not in `keep` (paths relative to it)
// the time `epoch`; one of `keep` only when it was changed at or after `started`. Error(Io) when that fails.
void normalise_times(const std::filesystem::path& folder, std::int64_t epoch, std::int64_t started,
                     const std::set<std::string>& keep);

}  // namespace envbuild::install
