// Finds out why a request has no answer. Internal to solve/.
#pragma once

#include "base/cancel.hpp"
#include "solve/problem.hpp"
#include "solve/unsatisfiable.hpp"

namespace envbuild::solve {

// The fewest specs, constraints and options that cannot be had together, a tree that says why (asked -> needs -> what
// it conflicts with), and what can be done. Runs searches: the request must have no answer.
[[nodiscard]] Unsatisfiable explain(Universe& universe, const CancelToken& cancel);

// Whether these parts of the request have an answer.
[[nodiscard]] bool is_satisfiable(Universe& universe, const ProblemParts& parts, const CancelToken& cancel);

}  // namespace envbuild::solve
