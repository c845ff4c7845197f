// The pip phase: which files the pip section becomes. envbuild resolves it itself (pip_native.hpp) where all of it is
// wheels; where a source takes part, the lock's own Python and pip say it, in a throwaway container on the base image.
#pragma once

#include "build/base_image.hpp"
#include "build/intent.hpp"
#include "build/stages.hpp"
#include "lock/lock.hpp"

namespace envbuild::build {

// What can be said of the pip lines before anything is asked or fetched. Throws Error: InvalidInput for folders of this
// machine as indexes and for --find-links, other version control systems than git, options of a line that would have to
// reach a build, and repositories and folders where hashes are required.
void check_pip_lines(const spec::EnvironmentSpec& spec);

// Fills lock.pip and lock.pip_requested. `lock` holds the conda part. Throws Error as choose_natively() does; where pip
// itself is asked, Unsatisfiable with its own words where it finds no solution, what PipSources says of repositories
// and local sources, Transient without an engine.
void choose_pip_files(const Intent& intent, const ResolvedBase& base, lock::Lock& lock, const Workbench& bench,
                      Stages& stages, bool refresh);

}  // namespace envbuild::build
