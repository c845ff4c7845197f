// Solver: from specs to the one set of packages that fulfils them best.
//
// The answer is a function of the request and the candidates alone (docs/resolver.md): requested names, in the order of
// order_of_names(), get the highest version that is possible given the names before; then their best class; then the
// dependencies, in the order in which they become necessary, the best class that the choices before allow; then ties.
// Nothing is in the answer that nothing needs. It does not depend on which SAT solver searches.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/cancel.hpp"
#include "conda/match_spec.hpp"
#include "conda/package_record.hpp"
#include "solve/candidates.hpp"

namespace envbuild::solve {

// A pin: what a name must be if it is there at all.
struct Constraint {
    conda::MatchSpec spec;
    std::string origin;  // whose it is, for explanations: "/home/me/.condarc"; "" for nobody's
    Constraint(conda::MatchSpec what, std::string whose = "") : spec(std::move(what)), origin(std::move(whose)) {}
};

struct Request {
    std::vector<conda::MatchSpec> specs;                 // asked; a channel(), where given, is a canonical URL
    std::vector<Constraint> constraints;                 // what only narrows
    std::vector<conda::PackageRecord> virtual_packages;  // of the target (solve/virtual_packages.hpp)
    std::vector<conda::PackageRecord> held;              // kept where possible, else their versions (an earlier lock)
    std::vector<std::string> first;                      // names in `specs` that choose before the others
    // What a channel's name in a record's "depends" stands for: its canonical URL, several joined by '|'; nothing for
    // what is no channel. Without it such a name is held against the end of the URLs.
    std::function<std::optional<std::string>(const std::string&)> channel_url;
    bool gpu = false;                   // the GPU constraint (solve/gpu_constraint.hpp)
    bool allow_missing_sha256 = false;  // candidates without sha256 are left out otherwise
};

struct Statistics {
    std::size_t names = 0, candidates = 0;  // looked at
    std::size_t read = 0;                   // candidates whose needs were read: those that the request does not exclude
    std::size_t searches = 0, conflicts = 0;
};

struct Solution {
    std::vector<conda::PackageRecord> packages;  // link order: dependencies first; no virtual packages
    std::vector<std::string> notes;              // for people: GPU builds enforced, channels hidden, records left out
    Statistics statistics;
};

// Nothing where there is no answer: for those who ask on, with another request. Throws as solve(), but Unsatisfiable.
[[nodiscard]] std::optional<Solution> try_solve(const Request& request, CandidateProvider& provider,
                                                const CancelToken& cancel = {});

// Throws Error: Unsatisfiable with an explanation that names the specs in conflict (solve/unsatisfiable.hpp),
// InvalidInput for a spec without a plain name, Cancelled, and what the provider throws.
[[nodiscard]] Solution solve(const Request& request, CandidateProvider& provider, const CancelToken& cancel = {});

}  // namespace envbuild::solve
