// Whether a lock is still the lock of an intent: said without asking a channel or an index.
#pragma once

#include <vector>

#include "build/intent.hpp"
#include "build/key_diff.hpp"
#include "catalog/pypi_names.hpp"
#include "lock/lock.hpp"

namespace envbuild::build {

struct LockFit {
    bool fits = false;
    // What keeps it from fitting: the parts of the two intents that differ, the lock's before. Of a lock that does not
    // say what it was made for (another tool's) each spec of the intent that it does not fulfil, behind what it has.
    // May be empty where an earlier version of envbuild wrote the lock, which kept the hash alone.
    std::vector<KeyDifference> differences;
};

// Both are of the same platform. A lock of envbuild's fits where its intent's hash is the same; another tool's where it
// fulfils each conda spec, and each named pip requirement and constraint that holds for its Python.
[[nodiscard]] LockFit fit_of(const lock::Lock& lock, const Intent& intent, const catalog::PypiNames& names);

}  // namespace envbuild::build
