// The best answer to a problem, by the order of docs/resolver.md. Internal to solve/.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/cancel.hpp"
#include "solve/problem.hpp"
#include "solve/sat_solver.hpp"

namespace envbuild::solve {

struct BestAnswer {
    std::vector<int> packages;  // of the problem, without virtual ones
    std::size_t searches = 0;
};

// Nothing where there is no answer. `requested` are names in the order in which they choose.
[[nodiscard]] std::optional<BestAnswer> find_best(const Universe& universe, const Problem& problem,
                                                  const std::vector<std::string>& requested, SatSolver& solver,
                                                  const CancelToken& cancel);

}  // namespace envbuild::solve
