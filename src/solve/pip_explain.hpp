// Finds out why a request of pip's half has no answer. Internal to solve/.
#pragma once

#include "base/cancel.hpp"
#include "solve/pip_projects.hpp"
#include "solve/unsatisfiable.hpp"

namespace envbuild::solve {

// The fewest lines and constraints that cannot be had together, and a tree that says why. Runs searches: the request
// must have no answer.
[[nodiscard]] Unsatisfiable explain_pip(PipProjects& projects, const CancelToken& cancel);

}  // namespace envbuild::solve
