// Our own search (solve/cdcl_search.hpp) for a problem that is there as a whole.
#pragma once

#include "solve/sat_solver.hpp"

namespace envbuild::solve::test {

// The problem outlives the solver.
[[nodiscard]] std::unique_ptr<SatSolver> make_cdcl_solver(const Problem& problem);

}  // namespace envbuild::solve::test
