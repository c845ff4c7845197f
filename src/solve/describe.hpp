// How explanations name packages and advise. Internal to solve/.
#pragma once

#include <string>
#include <vector>

#include "solve/universe.hpp"
#include "solve/unsatisfiable.hpp"

namespace envbuild::solve {

// The packages are of one name, in any order.
[[nodiscard]] PackageGroup describe_packages(Universe& universe, const std::vector<int>& packages);

// "numpy >=1.2", with the channel where one is asked.
[[nodiscard]] std::string describe_spec(const conda::MatchSpec& spec);

// Why no candidate at all fits a spec: a word for machines, and the reason with what there is instead.
struct NothingProvides {
    std::string code;  // no_such_name, no_such_version, unusable, hidden, other_channel, no_sha256,
                       // target
    std::string reason;
};
// `advice` gets what can be done.
[[nodiscard]] NothingProvides describe_nothing_provides(Universe& universe, int spec, std::vector<std::string>& advice);

}  // namespace envbuild::solve
