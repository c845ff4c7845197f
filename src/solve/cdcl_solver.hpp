// Our own solver (cdcl_search.hpp) for a problem that is there as a whole. Internal to solve/.
#pragma once

#include "solve/sat_solver.hpp"

namespace envbuild::solve {

// The problem outlives the solver.
[[nodiscard]] std::unique_ptr<SatSolver> make_cdcl_solver(const Problem& problem);

}  // namespace envbuild::solve
