#include "solve/propagation.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace envbuild::solve {

namespace {

std::size_t at(int index) {
    return static_cast<std::size_t>(index);
}

}  // namespace

Propagation::Propagation(const Problem& problem)
    : problem_(problem),
      reasons_(problem.size()),
      present_(problem.groups.size(), 0),
      dirty_(problem.groups.size(), 0),
      alive_in_group_(problem.groups.size(), 0),
      alive_in_set_(problem.sets.size(), 0),
      sets_with_(problem.size()),
      needing_(problem.sets.size()),
      barring_(problem.sets.size()),
      sets_of_group_(problem.groups.size()) {
    for (std::size_t group = 0; group < problem.groups.size(); ++group) {
        alive_in_group_[group] = static_cast<int>(problem.groups[group].packages.size());
    }
    for (std::size_t set = 0; set < problem.sets.size(); ++set) {
        alive_in_set_[set] = static_cast<int>(problem.sets[set].packages.size());
        sets_of_group_[at(problem.sets[set].group)].push_back(static_cast<int>(set));
        for (const auto package : problem.sets[set].packages) sets_with_[at(package)].push_back(static_cast<int>(set));
    }
    for (std::size_t package = 0; package < problem.size(); ++package) {
        for (const auto set : problem.needs[package]) needing_[at(set)].push_back(static_cast<int>(package));
        for (const auto set : problem.bars[package]) barring_[at(set)].push_back(static_cast<int>(package));
    }
    for (std::size_t package = 0; package < problem.size(); ++package) {
        if (problem.excluded[package] != Problem::Excluded::No) {
            kill(static_cast<int>(package), {Reason::Kind::Excluded, -1, -1});
        }
        for (const auto set : problem.needs[package]) {
            if (problem.sets[at(set)].packages.empty()) kill(static_cast<int>(package), {Reason::Kind::Unmet, set, -1});
        }
    }
    for (std::size_t group = 0; group < problem.groups.size(); ++group) {
        if (problem.groups[group].is_virtual) require(static_cast<int>(group));
    }
    for (const auto root : problem.roots) {
        require(problem.sets[at(root)].group);
        restrict_to(problem.sets[at(root)].group, {root}, {Reason::Kind::Required, root, -1});
    }
    run();
}

std::vector<int> Propagation::left(int group) const {
    std::vector<int> left;
    for (const auto package : problem_.groups[at(group)].packages) {
        if (alive(package)) left.push_back(package);
    }
    return left;
}

bool Propagation::restrict(int group, const std::vector<int>& packages) {
    require(group);
    const std::set<int> keep(packages.begin(), packages.end());
    for (const auto package : problem_.groups[at(group)].packages) {
        if (!keep.contains(package)) kill(package, {Reason::Kind::Restricted, -1, group});
    }
    run();
    return consistent();
}

void Propagation::require(int group) {
    if (present_[at(group)] != 0) return;
    present_[at(group)] = 1;
    fresh_.push_back(group);
    if (alive_in_group_[at(group)] == 0 && failed_group_ < 0) failed_group_ = group;
    if (dirty_[at(group)] == 0) queue_.push_back(group);
    dirty_[at(group)] = 1;
}

void Propagation::kill(int package, Reason reason) {
    if (!alive(package)) return;
    std::vector<std::pair<int, Reason>> open = {{package, reason}};
    while (!open.empty()) {
        const auto [next, why] = open.back();
        open.pop_back();
        if (!alive(next)) continue;
        reasons_[at(next)] = why;
        const auto group = problem_.group_of[at(next)];
        if (--alive_in_group_[at(group)] == 0 && present(group) && failed_group_ < 0) failed_group_ = group;
        if (dirty_[at(group)] == 0) queue_.push_back(group);
        dirty_[at(group)] = 1;
        for (const auto set : sets_with_[at(next)]) {
            if (--alive_in_set_[at(set)] > 0) continue;
            for (const auto other : needing_[at(set)]) open.emplace_back(other, Reason{Reason::Kind::Unmet, set, -1});
        }
    }
}

// Takes away what is in none of the sets, all of one group.
void Propagation::restrict_to(int group, const std::vector<int>& sets, Reason reason) {
    std::set<int> keep;
    for (const auto set : sets)
        keep.insert(problem_.sets[at(set)].packages.begin(), problem_.sets[at(set)].packages.end());
    for (const auto package : problem_.groups[at(group)].packages) {
        if (alive(package) && !keep.contains(package)) kill(package, reason);
    }
}

// A name that is in: what all that is left of it demands holds, and what cannot be beside it is out.
void Propagation::look_at(int group) {
    const auto packages = left(group);
    if (packages.empty()) return;
    struct Demand {
        std::size_t needed_by = 0, barred_by = 0;
        std::set<int> sets;
    };
    std::map<int, Demand> demands;  // by the group that they are about
    for (const auto package : packages) {
        std::map<int, std::pair<bool, int>> here;  // group -> (a need among them, one set)
        for (const auto set : problem_.needs[at(package)]) here[problem_.sets[at(set)].group] = {true, set};
        for (const auto set : problem_.bars[at(package)]) here.try_emplace(problem_.sets[at(set)].group, false, set);
        for (const auto& [about, entry] : here) {
            auto& demand = demands[about];
            ++(entry.first ? demand.needed_by : demand.barred_by);
            demand.sets.insert(entry.second);
        }
    }
    for (const auto& [about, demand] : demands) {
        if (about == group || demand.needed_by + demand.barred_by < packages.size()) continue;
        const bool needed = demand.needed_by == packages.size();
        if (needed) require(about);
        restrict_to(about, {demand.sets.begin(), demand.sets.end()},
                    {needed ? Reason::Kind::Required : Reason::Kind::Barred, *demand.sets.begin(), group});
    }
    for (const auto set : sets_of_group_[at(group)]) {
        if (alive_in_set_[at(set)] > 0) continue;
        for (const auto package : barring_[at(set)]) kill(package, {Reason::Kind::Bars, set, group});
    }
}

void Propagation::run() {
    const auto settle = [&] {
        const auto& groups = problem_.groups;
        std::sort(fresh_.begin(), fresh_.end(), [&](int a, int b) { return groups[at(a)].text < groups[at(b)].text; });
        order_.insert(order_.end(), fresh_.begin(), fresh_.end());
        fresh_.clear();
    };
    while (!queue_.empty() && consistent()) {
        const auto group = queue_.back();
        queue_.pop_back();
        dirty_[at(group)] = 0;
        if (present(group)) look_at(group);
    }
    settle();
}

}  // namespace envbuild::solve
