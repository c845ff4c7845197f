// How explanations name packages and advise. Internal to solve/.
#pragma once

#include <string>
#include <vector>

#include "solve/universe.hpp"

namespace envbuild::solve {

// "numpy 1.26.0", "numpy 1.25.0, 1.26.0", "numpy 1.17.0 to 1.26.4 (87 builds)"; with at most two packages their builds
// too. The packages are of one name, in any order.
[[nodiscard]] std::string describe_packages(const Universe& universe, const std::vector<int>& packages);

// "numpy >=1.2", with the channel where one is asked.
[[nodiscard]] std::string describe_spec(const conda::MatchSpec& spec);

// Why no candidate at all fits the spec: no such name (and the nearest), no such version (and the ones there are),
// hidden by channel priority, no sha256, or a virtual package that the target lacks. `advice` gets what can be done.
[[nodiscard]] std::string describe_nothing_provides(Universe& universe, int spec, std::vector<std::string>& advice);

}  // namespace envbuild::solve
