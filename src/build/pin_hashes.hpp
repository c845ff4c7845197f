// Packages of channels that publish no sha256, where the user insists on them (allow_missing_hashes): fetched first,
// and pinned to what came.
#pragma once

#include <vector>

#include "build/workbench.hpp"
#include "conda/package_record.hpp"

namespace envbuild::build {

// Gives every record a sha256; those that had none are downloaded into the cache and named in a warning; their size and
// md5 are checked where the channel says them. Throws Error: Corrupt, NotFound, Unauthorized, Transient, Io, Cancelled.
void pin_hashes(std::vector<conda::PackageRecord>& records, const Workbench& bench);

}  // namespace envbuild::build
