#include "solve/solver.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/strings.hpp"
#include "solve/cdcl_solver.hpp"
#include "solve/explain.hpp"
#include "solve/gpu_constraint.hpp"
#include "solve/link_order.hpp"
#include "solve/optimizer.hpp"
#include "solve/propagation.hpp"
#include "solve/verify_answer.hpp"

namespace envbuild::solve {

namespace {

// One order of the specs whatever order they were written in, so that the answer is the same.
Request in_order(Request request) {
    for (auto* list : {&request.specs, &request.constraints}) {
        std::sort(list->begin(), list->end(), [](const auto& a, const auto& b) {
            return std::pair(a.canonical(a.channel()), a.to_string()) <
                   std::pair(b.canonical(b.channel()), b.to_string());
        });
    }
    std::sort(request.virtual_packages.begin(), request.virtual_packages.end(),
              [](const auto& a, const auto& b) { return a.name < b.name; });
    return request;
}

std::vector<std::string> notes_of(Universe& universe, const Solution& solution) {
    std::vector<std::string> notes;
    for (const auto& record : solution.packages) {
        const auto& name = universe.name(universe.name_id(record.name));
        if (universe.request().gpu) {
            std::vector<Candidate> candidates;
            for (const auto id : name.packages) candidates.push_back(universe.package_unparsed(id).candidate);
            if (comes_in_both(candidates)) {
                notes.push_back(fmt::format("{} is the {} build {}", record.name, is_gpu_build(record) ? "GPU" : "CPU",
                                            record.build));
            }
        }
        const auto newer = std::any_of(name.hidden.begin(), name.hidden.end(), [&](const auto& candidate) {
            return candidate.record->version > record.version;
        });
        const bool asked = std::any_of(universe.request().specs.begin(), universe.request().specs.end(),
                                       [&](const auto& spec) { return spec.name() == record.name; });
        if (newer && asked) {
            notes.push_back(fmt::format("{} comes from {}: a newer one in a channel of lower priority is not looked at",
                                        record.dist_name(), record.channel));
        }
    }
    return notes;
}

}  // namespace

Solution solve(const Request& asked, CandidateProvider& provider, const CancelToken& cancel) {
    const auto request = in_order(asked);
    Universe universe(request, provider);
    const auto problem = build_problem(universe, ProblemParts::all(request), true);
    cancel.throw_if_cancelled();
    const Propagation propagation(problem);
    if (!propagation.consistent()) throw explain(universe, cancel);
    const auto reduced = reduce(problem, propagation.alive());
    const auto solver = make_cdcl_solver(reduced);

    std::vector<std::string> names;
    for (const auto& spec : request.specs) names.push_back(spec.name());
    const auto best = find_best(universe, reduced, order_of_names(std::move(names)), *solver, cancel);
    if (!best) throw explain(universe, cancel);

    Solution solution;
    for (const auto package : best->packages) {
        const auto id = reduced.universe_package[static_cast<std::size_t>(package)];
        solution.packages.push_back(*universe.package_unparsed(id).candidate.record);
    }
#ifndef NDEBUG
    if (const auto faults = faults_of_answer(request, solution.packages); !faults.empty()) {
        throw Error(ErrorKind::Bug, "the resolver's answer is wrong: " + join(faults, "; "));
    }
#endif
    solution.packages = link_order(std::move(solution.packages));
    solution.statistics = {problem.groups.size(), problem.size(), reduced.size(), best->searches};
    solution.notes = notes_of(universe, solution);
    return solution;
}

}  // namespace envbuild::solve
