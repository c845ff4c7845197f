// Checks an answer against the records themselves, with none of what found it: no universe, no problem, no search.
#pragma once

#include <string>
#include <vector>

#include "solve/solver.hpp"

namespace envbuild::solve {

// What is wrong with the packages as an answer to the request, a line for each fault: a spec that is not met, a need of
// a record that is not met, a constraint (of a record or of the request) that is broken, two packages of one name, a
// package from another channel than the one that the request names, one without sha256 where that is not allowed, one
// that nothing asks for or needs. Empty for a sound answer.
[[nodiscard]] std::vector<std::string> faults_of_answer(const Request& request,
                                                        const std::vector<conda::PackageRecord>& packages);

}  // namespace envbuild::solve
