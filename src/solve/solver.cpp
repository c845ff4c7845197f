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
    const auto order = [](const auto& a, const auto& b) {
        return std::pair(a.canonical(a.channel()), a.to_string()) < std::pair(b.canonical(b.channel()), b.to_string());
    };
    std::ranges::sort(request.specs, order);
    std::ranges::sort(request.constraints, order, &Constraint::spec);
    std::sort(request.virtual_packages.begin(), request.virtual_packages.end(),
              [](const auto& a, const auto& b) { return a.name < b.name; });
    return request;
}

// Whether the file that a record's fault begins with ("numpy-2.0-py_0.conda: its build ...") is of a newer version.
bool is_newer(std::string_view fault, const conda::PackageRecord& taken) {
    const auto file = fault.substr(0, fault.find(": "));
    if (!file.starts_with(taken.name + "-")) return false;
    const auto rest = file.substr(taken.name.size() + 1);
    const auto version = conda::Version::parse(rest.substr(0, rest.find('-')));
    return version && *version > taken.version;
}

// "2.1, 2.0", the newest first.
std::string versions_text(std::set<conda::Version> versions) {
    std::vector<std::string> texts;
    for (auto it = versions.rbegin(); it != versions.rend() && texts.size() < 3; ++it) texts.push_back(it->to_string());
    return join(texts, ", ") + (versions.size() > texts.size() ? " and more" : "");
}

// Newer versions than the one that is taken which a channel lists, and which cannot be taken: nobody would guess it.
void note_unusable(Universe& universe, const conda::PackageRecord& taken, std::vector<std::string>& notes) {
    const auto& name = universe.name(universe.name_id(taken.name));
    std::set<conda::Version> unreadable, without_hash;
    std::string why;
    for (const auto id : name.packages) {
        const auto& package = universe.package_unparsed(id);
        const auto& version = *package.candidate.record.head().version;
        if (package.fault.empty() || version <= taken.version) continue;
        unreadable.insert(version);
        if (why.empty()) why = fmt::format("{}: {}", package.candidate.record.head().file_name, package.fault);
    }
    for (const auto& candidate : name.without_hash) {
        const auto& version = *candidate.record.head().version;
        if (version > taken.version) without_hash.insert(version);
    }
    if (!unreadable.empty()) {
        notes.push_back(fmt::format("{} is taken, and {} left out: {}", taken.dist_name(),
                                    versions_text(std::move(unreadable)), why));
    }
    if (!without_hash.empty()) {
        notes.push_back(fmt::format("{} is taken, and {} left out: without a sha256 what is fetched cannot be checked",
                                    taken.dist_name(), versions_text(std::move(without_hash))));
    }
    if (name.left_out.count > 0 && is_newer(name.left_out.first, taken)) {
        notes.push_back(
            fmt::format("{} is taken, and {} left out: {}", taken.dist_name(),
                        name.left_out.count == 1 ? "a record" : fmt::format("{} records", name.left_out.count),
                        name.left_out.first));
    }
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
        note_unusable(universe, record, notes);
        const auto newer = std::any_of(name.hidden.begin(), name.hidden.end(), [&](const auto& candidate) {
            return *candidate.record.head().version > record.version;
        });
        // Where a spec names the channel, that was the user's own choice.
        const auto& specs = universe.request().specs;
        const bool asked =
            std::any_of(specs.begin(), specs.end(), [&](const auto& spec) { return spec.name() == record.name; });
        if (newer && asked && name.channel.empty()) {
            notes.push_back(fmt::format("{} comes from {}: a newer one in a channel of lower priority is not looked at",
                                        record.dist_name(), record.channel));
        }
    }
    return notes;
}

std::optional<Solution> best_solution(Universe& universe, const CancelToken& cancel) {
    const auto& request = universe.request();
    ReachedRequest reached(universe, ProblemParts::all(request));
    std::vector<std::string> names;
    for (const auto& spec : request.specs) names.push_back(spec.name());
    names = order_of_names(std::move(names));
    std::stable_partition(names.begin(), names.end(), [&](const auto& name) {
        return std::ranges::find(request.first, name) != request.first.end();
    });
    const auto best = find_best(universe, reached, names, cancel);
    if (!best) return std::nullopt;

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

}  // namespace

std::optional<Solution> try_solve(const Request& asked, CandidateProvider& provider, const CancelToken& cancel) {
    const auto request = in_order(asked);
    Universe universe(request, provider);
    return best_solution(universe, cancel);
}

Solution solve(const Request& asked, CandidateProvider& provider, const CancelToken& cancel) {
    const auto request = in_order(asked);
    Universe universe(request, provider);
    if (auto solution = best_solution(universe, cancel)) return *std::move(solution);
    throw explain(universe, cancel).to_error();
}

}  // namespace envbuild::solve
