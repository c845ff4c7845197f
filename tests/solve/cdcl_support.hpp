// Our own search (solve/cdcl_search.hpp) for a problem that is there as a whole.
#pragma once

#include "solve/sat_solver.hpp"

namespace envbuild::solve::test {

class CoreSolver : public SatSolver {
  public:
    // Of the demands that had no answer, those that suffice for it.
    [[nodiscard]] virtual std::vector<std::vector<int>> core() const = 0;
};

// The problem outlives the solver. So many packages of a group are of one grade each.
[[nodiscard]] std::unique_ptr<CoreSolver> make_cdcl_solver(const Problem& problem, int grade = 1);

}  // namespace envbuild::solve::test
