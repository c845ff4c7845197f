// A lock with something in every field, for tests.
#pragma once

#include "lock/lock.hpp"

namespace envbuild::lock::test {

[[nodiscard]] conda::PackageRecord record(const std::string& name, const std::string& version, const std::string& build,
                                          const std::string& subdir = "linux-64",
                                          std::vector<std::string> depends = {});
[[nodiscard]] Lock full_lock();

}  // namespace envbuild::lock::test
