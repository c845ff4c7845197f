#include "solve/solver.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/strings.hpp"
#include "solve/explain.hpp"
#include "solve/gpu_constraint.hpp"
#include "solve/link_order.hpp"
#include "solve/optimizer.hpp"
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
        const auto id = universe.name_id(record.name);
        const auto& name = universe.name(id);
        if (universe.request().gpu && universe.comes_in_both(id)) {
            notes.push_back(
                fmt::format("{} is the {} build {}", record.name, is_gpu_build(record) ? "GPU" : "CPU", record.build));
        }
        const auto newer = std::any_of(name.hidden.begin(), name.hidden.end(), [&](const auto& candidate) {
            return *candidate.record.head().version > record.version;
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
    ReachedRequest reached(universe, ProblemParts::all(request));
    std::vector<std::string> names;
    for (const auto& spec : request.specs) names.push_back(spec.name());
    names = order_of_names(std::move(names));
    std::stable_partition(names.begin(), names.end(), [&](const auto& name) {
        return std::ranges::find(request.first, name) != request.first.end();
    });
    const auto best = find_best(universe, reached, names, cancel);
    if (!best) throw explain(universe, cancel);

    Solution solution;
    for (const auto id : best->packages) solution.packages.push_back(*universe.package_unparsed(id).candidate.record);
#ifndef NDEBUG
    if (const auto faults = faults_of_answer(request, solution.packages); !faults.empty()) {
        throw Error(ErrorKind::Bug, "the resolver's answer is wrong: " + join(faults, "; "));
    }
#endif
    solution.packages = link_order(std::move(solution.packages));
    const auto& counts = reached.search().counts();
    solution.statistics = {counts.loaded, reached.packages_reached(), reached.packages_read(), best->searches,
                           counts.conflicts};
    solution.notes = notes_of(universe, solution);
    return solution;
}

}  // namespace envbuild::solve
