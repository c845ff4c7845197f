#include "solve/reached_request.hpp"

#include <algorithm>
#include <numeric>

#include "solve/gpu_constraint.hpp"

namespace envbuild::solve {

namespace {

template <class T>
T& grown(std::vector<T>& list, int index, const T& empty) {
    if (static_cast<std::size_t>(index) >= list.size()) list.resize(static_cast<std::size_t>(index) + 1, empty);
    return list[index];
}

}  // namespace

ReachedRequest::ReachedRequest(Universe& universe, const ProblemParts& parts, Asked asked)
    : universe_(universe), parts_(parts), search_(*this) {
    const auto& request = universe.request();
    // What the user takes as a CPU build stays so where the part that says it is left out.
    if (parts.gpu) gpu_.emplace(universe, request.specs);
    for (const auto& record : request.virtual_packages) {
        const auto id = group(universe.name_id(record.name));
        std::vector<int> places(universe.name(names_[id]).packages.size());
        std::iota(places.begin(), places.end(), 0);
        search_.add_fact(Literal::yes(search_.add_choice(id, places)));
    }
    if (asked == Asked::Assumptions) return;
    for (const auto i : parts.constraints) {
        if (!ignored(universe.intern(request.constraints[i].spec))) search_.add_fact(constraint_literal(i));
    }
    for (const auto i : parts.specs) {
        if (!ignored(universe.intern(request.specs[i]))) search_.add_fact(spec_literal(i));
    }
}

Literal ReachedRequest::spec_literal(int index) {
    const auto spec = universe_.intern(universe_.request().specs[index]);
    return Literal::yes(variable(need_variables_, spec, CdclSearch::SetKind::Need));
}

Literal ReachedRequest::constraint_literal(int index) {
    const auto spec = universe_.intern(universe_.request().constraints[index].spec);
    return Literal::yes(variable(bar_variables_, spec, CdclSearch::SetKind::Bar));
}

std::vector<int> ReachedRequest::loaded_names() const {
    std::vector<int> names;
    for (std::size_t group = 0; group < names_.size(); ++group) {
        if (search_.is_loaded(static_cast<int>(group))) names.push_back(names_[group]);
    }
    return names;
}

int ReachedRequest::group(int name) {
    auto& group = grown(groups_, name, -1);
    if (group < 0) {
        group = search_.add_group();
        names_.push_back(name);
    }
    return group;
}

bool ReachedRequest::is_virtual(int group) const {
    return universe_.name_text(names_[group]).starts_with("__");
}

const std::vector<int>& ReachedRequest::needed_names(int package) {
    const auto [found, added] = needed_names_.try_emplace(package);
    auto& names = found->second;
    if (!added) return names;
    for (const auto need : universe_.package(package).needs) {
        const auto name = universe_.spec_name(need);
        if (!universe_.name_text(name).starts_with("__")) names.push_back(name);
    }
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    return names;
}

bool ReachedRequest::ignored(int spec) const {
    return !parts_.virtual_packages && universe_.name_text(universe_.spec_name(spec)).starts_with("__");
}

int ReachedRequest::variable(std::vector<int>& variables, int spec, CdclSearch::SetKind kind) {
    if (const auto known = grown(variables, spec, -1); known >= 0) return known;
    const auto about = group(universe_.spec_name(spec));
    // What the target lacks is known at once.
    if (is_virtual(about)) search_.load(about);
    const auto made = search_.add_set(about, kind, spec);
    return variables[spec] = made;
}

std::vector<int> ReachedRequest::open(int group) {
    const auto name = names_[group];
    const auto& packages = universe_.name(name).packages;
    packages_reached_ += packages.size();
    grown(gpu_only_, group, '\0') = gpu_ && gpu_->gpu_only(name) ? 1 : 0;
    std::vector<int> grades;
    for (std::size_t i = 0; i < packages.size(); ++i) {
        const bool same = i > 0 && universe_.same_block(packages[i - 1], packages[i], false);
        grades.push_back(i == 0 ? 0 : grades.back() + (same ? 0 : 1));
    }
    return grades;
}

CdclSource::Package ReachedRequest::read(int group, int place) {
    Package made;
    const auto id = universe_.name(names_[group]).packages[place];
    if (gpu_only_[group] != 0 && !is_gpu_build(universe_.package_unparsed(id).candidate.record)) {
        made.usable = false;
        return made;
    }
    ++packages_read_;
    const auto& package = universe_.package(id);
    made.usable = package.fault.empty();
    if (!made.usable) return made;
    for (const auto need : package.needs) {
        if (!ignored(need)) made.implies.push_back(variable(need_variables_, need, CdclSearch::SetKind::Need));
    }
    for (const auto bar : package.bars) {
        if (!ignored(bar)) made.implies.push_back(variable(bar_variables_, bar, CdclSearch::SetKind::Bar));
    }
    return made;
}

std::vector<int> ReachedRequest::members(int group, int tag) {
    const auto& packages = universe_.name(names_[group]).packages;
    std::vector<int> places;
    if (packages.empty()) return places;
    // The packages of a name are numbered in their order.
    for (const auto id : universe_.spec(tag).providers) places.push_back(id - packages.front());
    return places;
}

}  // namespace envbuild::solve
