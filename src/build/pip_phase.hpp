// The pip phase: the lock's own Python and pip, in a throwaway container on the base image, say which files pip would
// choose; envbuild then fetches and pins them (until pip's half is resolved like conda's).
#pragma once

#include "build/base_image.hpp"
#include "build/intent.hpp"
#include "build/stages.hpp"
#include "lock/lock.hpp"

namespace envbuild::build {

// Fills lock.pip and lock.pip_requested. `lock` holds the conda part. Throws Error: Unsatisfiable with pip's own words
// where it finds no solution, InvalidInput for lines that this version cannot lock (docs/limits.md), Transient without
// an engine.
void choose_pip_files(const Intent& intent, const ResolvedBase& base, lock::Lock& lock, const Workbench& bench,
                      Stages& stages);

}  // namespace envbuild::build
