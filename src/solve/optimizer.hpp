// The best answer to a request, by the order of docs/resolver.md. Internal to solve/.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/cancel.hpp"
#include "solve/reached_request.hpp"

namespace envbuild::solve {

struct BestAnswer {
    std::vector<int> packages;  // of the universe, without virtual ones
    std::size_t searches = 0;
};

// Nothing where there is no answer. `requested` are names in the order in which they choose.
[[nodiscard]] std::optional<BestAnswer> find_best(Universe& universe, ReachedRequest& reached,
                                                  const std::vector<std::string>& requested, const CancelToken& cancel);

}  // namespace envbuild::solve
