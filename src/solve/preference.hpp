// Which of two candidates of one name is better, and in which order names get their choice (docs/resolver.md).
//
// Order of a name's candidates, best first:
//   1. what the caller holds on to (of an earlier lock): the very file, then the same version in any build,
//   2. the channel, with flexible priority only,
//   3. the highest version,
//   4. the fewest track_features,
//   5. the channel's rank, where priority is disabled,
//   6. the highest build number,
//   -- what is equal up to here is one class: which member is taken follows from what other names get --
//   7. the newest timestamp,
//   8. ".conda" before ".tar.bz2",
//   9. the build string, then the URL: they only make the order total.
#pragma once

#include <compare>
#include <string>
#include <vector>

#include "solve/candidates.hpp"

namespace envbuild::solve {

// Steps 2 to 6: `less` is better.
[[nodiscard]] std::weak_ordering compare_class(const Candidate& a, const Candidate& b, ChannelPriority priority);
// Steps 2 to 9, total for records with different URLs: `less` is better.
[[nodiscard]] std::weak_ordering compare_candidates(const Candidate& a, const Candidate& b, ChannelPriority priority);

// The order in which requested names get their best version: alphabetical, but interpreters (python, r-base) after all
// others, since what runs on them decides. It does not depend on the order in which the user wrote them.
[[nodiscard]] std::vector<std::string> order_of_names(std::vector<std::string> names);

}  // namespace envbuild::solve
