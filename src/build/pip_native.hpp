// pip's half, resolved without pip (solve/pip_solver.hpp): from the file's lines, what conda's half provides and the
// package indexes to the files that the lock pins.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "build/workbench.hpp"
#include "lock/lock.hpp"
#include "spec/environment_spec.hpp"

namespace envbuild::build {

struct NativeChoice {
    // Sorted by name; nothing where only pip itself can say.
    std::optional<std::vector<lock::PipPackage>> packages;
    std::string needs_pip;  // then: why, "hello 1.0 is a source archive"
};

// `lock` holds the conda part. `refresh`: pages of indexes are asked for though the copy at hand is still good. Wheels
// that are named by URL or path are in the package cache afterwards, and so are those whose index gives no sha256.
// Throws Error as solve::solve_pip and pypi::PackageIndex do; Unsatisfiable for a named wheel that is not for the
// target, Corrupt for one that has none of its hashes.
[[nodiscard]] NativeChoice choose_natively(const spec::EnvironmentSpec& spec, const lock::Lock& lock,
                                           const Workbench& bench, bool refresh);

}  // namespace envbuild::build
