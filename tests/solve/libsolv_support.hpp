// libsolv behind the solver's interface: what our own search is held against.
#pragma once

#include "solve/sat_solver.hpp"

namespace envbuild::solve::test {

// As distributions ship it. The problem may go after this call.
[[nodiscard]] std::unique_ptr<SatSolver> make_libsolv_solver(const Problem& problem);

}  // namespace envbuild::solve::test
