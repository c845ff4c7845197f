// The order in which packages are linked: dependencies first. It decides who wins a path that two packages hold, so it
// is a function of the set of records alone.
#pragma once

#include <vector>

#include "conda/package_record.hpp"

namespace envbuild::solve {

// Topological, by name where the order is open. A cycle is broken at its alphabetically first package, once
// nothing outside of it is waited for; what needs it comes after all of it. Python goes
// before every noarch Python package even where metadata does not say so. Dependencies that are not in the set are
// ignored.
[[nodiscard]] std::vector<conda::PackageRecord> link_order(std::vector<conda::PackageRecord> records);

}  // namespace envbuild::solve
