// Solver: from specs to the one set of packages that fulfils them best.
//
// The answer is a function of the request and the candidates alone (docs/resolver.md): requested names, in the order of
// order_of_names(), get the highest version that is possible given the names before; then their best class; then the
// dependencies, breadth first, the best class that the choices before allow; then ties. Nothing is in the answer that
// nothing needs. It does not depend on which SAT solver searches.
#pragma once

#include <string>
#include <vector>

#include "base/cancel.hpp"
#include "conda/match_spec.hpp"
#include "conda/package_record.hpp"
#include "solve/candidates.hpp"

namespace envbuild::solve {

struct Request {
    std::vector<conda::MatchSpec> specs;                 // asked; a channel(), where given, is a canonical URL
    std::vector<conda::MatchSpec> constraints;           // pins: what a name must be if it is there at all
    std::vector<conda::PackageRecord> virtual_packages;  // of the target (solve/virtual_packages.hpp)
    std::vector<conda::PackageRecord> held;              // preferred over better ones where possible (an earlier lock)
    std::vector<std::string> first;                      // names in `specs` that choose before the others
    bool gpu = false;                                    // the GPU constraint (solve/gpu_constraint.hpp)
    bool allow_missing_sha256 = false;                   // candidates without sha256 are left out otherwise
};

struct Statistics {
    std::size_t names = 0, candidates = 0;  // looked at
    std::size_t read = 0;                   // candidates whose needs were read: those that the request does not exclude
    std::size_t searches = 0, conflicts = 0;
};

struct Solution {
    std::vector<conda::PackageRecord> packages;  // link order: dependencies first; no virtual packages
    std::vector<std::string> notes;              // for people: GPU builds that were enforced, channels that were hidden
    Statistics statistics;
};

// Throws Error: Unsatisfiable with an explanation that names the specs in conflict, InvalidInput for a spec without a
// plain name, Cancelled, and what the provider throws.
[[nodiscard]] Solution solve(const Request& request, CandidateProvider& provider, const CancelToken& cancel = {});

}  // namespace envbuild::solve
