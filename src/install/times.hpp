// Modification times that do not tell when an environment was made.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

namespace envbuild::install {

// Whether the entry at `path`, which has the time `mtime` now, keeps it.
using KeepsTime = std::function<bool(const std::string& path, std::int64_t mtime)>;

// Gives every directory below `folder`, itself too, and every other entry of which `keeps` does not say that it keeps
// its time, the time `epoch`. Paths are relative to `folder`. Error(Io) when that fails.
void normalise_times(const std::filesystem::path& folder, std::int64_t epoch, const KeepsTime& keeps);

}  // namespace envbuild::install
