// The pip phase: the lock's own Python and pip, in a throwaway container on the base image, say which files pip would
// choose; envbuild then fetches and pins them (until pip's half is resolved like conda's).
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

// Fills lock.pip and lock.pip_requested. `lock` holds the conda part. Throws Error: Unsatisfiable with pip's own words
// where it finds no solution, what PipSources says of repositories and local sources, Transient without an
// engine.
void choose_pip_files(const Intent& intent, const ResolvedBase& base, lock::Lock& lock, const Workbench& bench,
                      Stages& stages);

}  // namespace envbuild::build
