#include "solve/pip_reached.hpp"

#include <algorithm>
#include <numeric>
#include <tuple>

namespace envbuild::solve {

PipReached::PipReached(PipProjects& projects, Asked asked) : projects_(projects), search_(*this) {
    if (asked == Asked::Assumptions) return;
    for (std::size_t i = 0; i < projects_.constraints().size(); ++i) search_.add_fact(constraint_literal(i));
    for (std::size_t i = 0; i < projects_.asked().size(); ++i) {
        for (const auto literal : asked_literals(i)) search_.add_fact(literal);
    }
}

std::vector<Literal> PipReached::asked_literals(std::size_t index) {
    std::vector<int> sets, groups;
    add_need(projects_.asked()[index].need, sets, groups);
    std::vector<Literal> literals;
    for (const auto variable : sets) literals.push_back(Literal::yes(variable));
    return literals;
}

Literal PipReached::constraint_literal(std::size_t index) {
    const auto spec = projects_.constraints()[index].need.spec;
    const auto group = group_id({.project = projects_.spec_project(spec)});
    return Literal::yes(set(group, spec, CdclSearch::SetKind::Bar));
}

int PipReached::group_id(const Group& group) {
    const auto known = ids_.find(group);
    if (known != ids_.end()) return known->second;
    const auto id = search_.add_group();
    groups_.push_back(group);
    ids_.emplace(group, id);
    return id;
}

std::set<int> PipReached::specs() const {
    std::set<int> specs;
    for (const auto& [key, variable] : sets_) {
        const auto& [group, tag, kind] = key;
        if (tag != kAny && search_.is_loaded(group)) specs.insert(tag);
    }
    return specs;
}

std::pair<std::string, std::string> PipReached::order_of(int group) const {
    const auto& of = groups_[static_cast<std::size_t>(group)];
    return {projects_.name(of.project), of.extra + (of.kind == Kind::ExtraNeeds ? "\n" : "")};
}

int PipReached::set(int group, int tag, CdclSearch::SetKind kind) {
    const auto key = std::tuple(group, tag, kind);
    if (const auto known = sets_.find(key); known != sets_.end()) return known->second;
    const auto variable = search_.add_set(group, kind, tag);
    sets_.emplace(key, variable);
    return variable;
}

void PipReached::add_need(const PipProjects::Need& need, std::vector<int>& sets, std::vector<int>& groups) {
    const auto project = projects_.spec_project(need.spec);
    groups.push_back(group_id({.project = project}));
    sets.push_back(set(groups.back(), need.spec, CdclSearch::SetKind::Need));
    for (const auto& extra : need.extras) {
        groups.push_back(group_id({.kind = Kind::Extra, .project = project, .extra = extra}));
        sets.push_back(set(groups.back(), kAny, CdclSearch::SetKind::Need));
    }
}

const std::vector<int>& PipReached::needed_groups(int group, int place) {
    return needed_[{group, place}];
}

std::vector<int> PipReached::open(int group) {
    const auto of = groups_[static_cast<std::size_t>(group)];
    if (of.kind == Kind::ExtraNeeds) return {0};
    std::vector<int> grades(projects_.project(of.project).versions.size());
    std::iota(grades.begin(), grades.end(), 0);
    return grades;
}

CdclSource::Package PipReached::read(int group, int place) {
    const auto of = groups_[static_cast<std::size_t>(group)];
    Package made;
    std::vector<int> groups;
    if (of.kind == Kind::Extra) {
        made.usable = projects_.version(of.project, place).code.empty();
        if (!made.usable) return made;
        groups = {group_id({.project = of.project}),
                  group_id({.kind = Kind::ExtraNeeds, .project = of.project, .extra = of.extra, .place = place})};
        made.implies = {set(groups[0], projects_.exact_spec(of.project, place), CdclSearch::SetKind::Need),
                        set(groups[1], kAny, CdclSearch::SetKind::Need)};
    } else if (of.kind == Kind::ExtraNeeds) {
        const auto& version = projects_.read(of.project, of.place);
        made.usable = version.fault.empty();
        if (!made.usable) return made;
        for (const auto& need : projects_.extra_needs(of.project, of.place, of.extra))
            add_need(need, made.implies, groups);
    } else {
        made.usable = projects_.version(of.project, place).code.empty();
        if (!made.usable) return made;
        const auto& version = projects_.read(of.project, place);
        made.usable = version.fault.empty();
        if (!made.usable) return made;
        for (const auto& need : version.needs) add_need(need, made.implies, groups);
    }
    std::ranges::sort(made.implies);
    const auto [end, last] = std::ranges::unique(made.implies);
    made.implies.erase(end, last);
    needed_[{group, place}] = std::move(groups);
    return made;
}

std::vector<int> PipReached::members(int group, int tag) {
    if (tag != kAny) return projects_.spec(tag).versions;
    std::vector<int> all(static_cast<std::size_t>(search_.group_size(group)));
    std::iota(all.begin(), all.end(), 0);
    return all;
}

}  // namespace envbuild::solve
