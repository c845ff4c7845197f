// SatSolver by libsolv, as distributions ship it (without its conda switch). Internal to solve/.
#pragma once

#include "solve/sat_solver.hpp"

namespace envbuild::solve {

// Keeps no reference to the problem. Throws Error(Bug) where libsolv gives an answer that is none.
[[nodiscard]] std::unique_ptr<SatSolver> make_libsolv_solver(const Problem& problem);

}  // namespace envbuild::solve
