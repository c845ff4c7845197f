#include "build/earlier_lock.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>

#include "base/strings.hpp"
#include "pypi/requirement_line.hpp"

namespace envbuild::build {

namespace {

bool is_asked(const solve::Request& request, const std::string& name) {
    return std::ranges::any_of(request.specs, [&](const auto& asked) { return asked.name() == name; });
}

const conda::PackageRecord* find(const std::vector<conda::PackageRecord>& packages, const std::string& name) {
    const auto found = std::ranges::find(packages, name, &conda::PackageRecord::name);
    return found == packages.end() ? nullptr : &*found;
}

// What the specs ask for, and all that this needs.
std::set<std::string> needed_names(const std::vector<conda::MatchSpec>& specs,
                                   const std::vector<conda::PackageRecord>& packages) {
    std::set<std::string> needed;
    std::vector<std::string> open;
    for (const auto& spec : specs) open.push_back(spec.name());
    while (!open.empty()) {
        const auto name = std::move(open.back());
        open.pop_back();
        if (!needed.insert(name).second) continue;
        const auto* package = find(packages, name);
        for (const auto& text : package == nullptr ? std::vector<std::string>() : package->depends) {
            if (const auto need = conda::MatchSpec::parse(text, conda::Dialect::Conda)) open.push_back(need->name());
        }
    }
    return needed;
}

// Asks for the updated dependencies as if by name, so that they choose first. Where the newest of one is such that
// nothing needs it any more, the next older one is tried, down to what there was. Nothing where not all can be had.
std::optional<solve::Solution> solve_with_newest(const std::vector<const conda::PackageRecord*>& dependencies,
                                                 const solve::Request& request, solve::CandidateProvider& provider,
                                                 const CancelToken& cancel) {
    auto asked = request;
    for (const auto* before : dependencies) {
        asked.specs.push_back(value_or_throw(conda::MatchSpec::parse(before->name)));
        asked.first.push_back(before->name);
    }
    while (auto solution = solve::try_solve(asked, provider, cancel)) {
        const auto needed = needed_names(request.specs, solution->packages);
        const auto superfluous =
            std::ranges::find_if(dependencies, [&](const auto* before) { return !needed.contains(before->name); });
        if (superfluous == dependencies.end()) return solution;
        const auto* chosen = find(solution->packages, (*superfluous)->name);
        if (chosen == nullptr || chosen->version <= (*superfluous)->version) return std::nullopt;
        asked.constraints.push_back(
            value_or_throw(conda::MatchSpec::parse(fmt::format("{} <{}", chosen->name, chosen->version.to_string()))));
    }
    return std::nullopt;
}

// What nothing can give any more, or nothing needs, is no reason to fail, nor to do less for the others.
std::optional<solve::Solution> solve_with_newest_possible(const std::vector<const conda::PackageRecord*>& dependencies,
                                                          const solve::Request& request,
                                                          solve::CandidateProvider& provider,
                                                          const CancelToken& cancel) {
    if (dependencies.empty()) return std::nullopt;
    auto best = solve_with_newest(dependencies, request, provider, cancel);
    if (best || dependencies.size() == 1) return best;
    std::vector<const conda::PackageRecord*> possible;
    for (const auto* dependency : dependencies) {
        possible.push_back(dependency);
        if (auto solution = solve_with_newest(possible, request, provider, cancel)) {
            best = std::move(solution);
        } else {
            possible.pop_back();
        }
    }
    return best;
}

}  // namespace

bool EarlierLock::updates(std::string_view name) const {
    return std::ranges::any_of(update, [&](const auto& updated) {
        return to_lower(updated) == name || pypi::normalize_name(updated) == name;
    });
}

void check_updates(const std::vector<std::string>& update, std::span<const lock::Lock> earlier,
                   std::span<const spec::EnvironmentSpec> specs) {
    std::set<std::string> known;
    for (const auto& spec : specs) {
        for (const auto& asked : spec.conda) known.insert(asked.name());
        for (const auto& line : spec.pip) known.insert(line.name);
    }
    for (const auto& lock : earlier) {
        for (const auto& record : lock.conda) known.insert(record.name);
        for (const auto& file : lock.pip) known.insert(file.name);
    }
    for (const auto& name : update) {
        if (known.contains(to_lower(name)) || known.contains(pypi::normalize_name(name))) continue;
        const auto near = nearest(to_lower(name), {known.begin(), known.end()});
        throw Error(ErrorKind::InvalidInput,
                    fmt::format("'{}' cannot be updated: it is neither asked for nor in the earlier lock", name))
            .with_hint(near.empty() ? "" : fmt::format("did you mean '{}'?", near));
    }
}

solve::Solution solve_from(const EarlierLock& earlier, solve::Request request, solve::CandidateProvider& provider,
                           const CancelToken& cancel) {
    std::vector<const conda::PackageRecord*> dependencies;
    for (const auto& record : earlier.lock.conda) {
        if (!earlier.updates(record.name)) {
            request.held.push_back(record);
        } else if (is_asked(request, record.name)) {
            request.first.push_back(record.name);
        } else {
            dependencies.push_back(&record);
        }
    }
    auto solution = solve_with_newest_possible(dependencies, request, provider, cancel);
    return solution ? *std::move(solution) : solve::solve(request, provider, cancel);
}

// Hashes would have to stand in the constraints too.
spec::EnvironmentSpec with_pins(spec::EnvironmentSpec spec, const EarlierLock& earlier) {
    for (const auto& file : earlier.lock.pip) {
        if (!file.build_only && !file.direct && !earlier.updates(file.name))
            spec.pip_constraints.push_back(fmt::format("{}=={}", file.name, file.version));
    }
    return spec;
}

}  // namespace envbuild::build
