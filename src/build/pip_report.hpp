// pip's installation report (pip documentation, "Installation Report", version 1).
#pragma once

#include <vector>

#include "base/json.hpp"
#include "lock/lock.hpp"

namespace envbuild::build {

// The files that pip would install, sorted by name. Corrupt for a report of another form; InvalidInput for a file
// without sha256 or one that is no file (a folder, a repository).
[[nodiscard]] Expected<std::vector<lock::PipPackage>> read_pip_report(const Json& report);

}  // namespace envbuild::build
