// A search behind an interface of one function, so that ours and libsolv's can be held against each other.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "solve/problem.hpp"

namespace envbuild::solve::test {

// Made for one problem, asked many times. Not thread-safe.
class SatSolver {
  public:
    virtual ~SatSolver() = default;
    // One package of each of the problem's roots and of each of `demands` (packages of one group), with all they need:
    // the packages taken, or nothing where there is no such set. Which of several answers it finds does not matter for
    // the result, only for speed: the nearer to the first of each group, the better.
    [[nodiscard]] virtual std::optional<std::vector<int>> solve(const std::vector<std::vector<int>>& demands) = 0;
};

}  // namespace envbuild::solve::test
