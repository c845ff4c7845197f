#include <algorithm>
#include <limits>

#include "solve/cdcl_search.hpp"

namespace envbuild::solve {

int CdclSearch::add_group() {
    groups_.emplace_back();
    heap_.make_room(static_cast<int>(groups_.size()));
    return static_cast<int>(groups_.size()) - 1;
}

int CdclSearch::new_set(int group, SetKind kind, int tag) {
    const auto id = static_cast<int>(sets_.size());
    auto& set = sets_.emplace_back();
    set.variable = new_variable(group, -1, id);
    set.group = group;
    set.kind = kind;
    set.tag = tag;
    return id;
}

int CdclSearch::add_set(int group, SetKind kind, int tag) {
    const auto set = new_set(group, kind, tag);
    if (groups_[group].loaded) {
        fill_set(set, source_.members(group, tag));
        groups_[group].sets.push_back(set);
        attach_set(set);
    } else {
        groups_[group].sets.push_back(set);
    }
    return sets_[set].variable;
}

int CdclSearch::add_choice(int group, const std::vector<int>& places) {
    load(group);
    const auto set = new_set(group, SetKind::Need, -1);
    fill_set(set, places);
    groups_[group].sets.push_back(set);
    attach_set(set);
    // The other way round too: where the choice is out, so is each of its packages.
    const auto variable = sets_[set].variable;
    for (const auto place : places) {
        const auto chosen = package(group, place);
        if (is_dead(chosen)) continue;
        sets_[set].implied_by.push_back(chosen.variable());
        implies_[chosen.variable()].push_back(variable);
        if (truth(chosen) == Truth::Yes) imply(Literal::yes(variable), chosen);
        if (truth(Literal::yes(variable)) == Truth::No) imply(~chosen, Literal::no(variable));
    }
    return variable;
}

void CdclSearch::fill_set(int set, const std::vector<int>& places) {
    auto& bits = sets_[set].places;
    bits.assign((static_cast<std::size_t>(groups_[sets_[set].group].size) + 63) / 64, 0);
    for (const auto place : places) {
        bits[static_cast<std::size_t>(place) / 64] |= std::uint64_t{1} << (static_cast<unsigned>(place) % 64);
    }
}

// The set's group is loaded: what follows from how things stand is caught up on.
void CdclSearch::attach_set(int set) {
    const auto yes = Literal::yes(sets_[set].variable);
    const auto& group = groups_[sets_[set].group];
    if (group.taken >= 0 && !sets_[set].holds(group.taken - group.first)) imply(~yes, Literal::yes(group.taken));
    if (truth(yes) == Truth::Yes) {
        leave_only(sets_[set].group, sets_[set].places, yes);
    }
    mark_narrowed(sets_[set].group);
}

void CdclSearch::load(int id) {
    if (groups_[id].loaded) return;
    const auto grades = source_.open(id);
    ++counts_.loaded;
    const auto first = static_cast<int>(variables_.size());
    const auto size = static_cast<int>(grades.size());
    groups_[id].first = first;
    groups_[id].size = size;
    groups_[id].grades = grades;
    groups_[id].loaded = true;
    for (int place = 0; place < size; ++place) new_variable(id, place, -1);
    groups_[id].left.assign((static_cast<std::size_t>(size) + 63) / 64, 0);
    for (int place = 0; place < size; ++place) set_bit(groups_[id].left, place, true);
    auto sets = groups_[id].sets;  // what is attached may add more, which then look after themselves
    for (const auto set : sets) fill_set(set, source_.members(id, sets_[set].tag));

    const auto is_fact = [&](Literal literal) { return truth(literal) == Truth::Yes && level_of(literal) == 0; };
    for (int place = 0; place < size; ++place) {
        if (std::all_of(sets.begin(), sets.end(), [&](int set) {
                return sets_[set].holds(place) || !is_fact(Literal::yes(sets_[set].variable));
            })) {
            continue;
        }
        // No clause holds it and nothing follows from it, so that it need not be on the trail.
        truths_[Literal::no(first + place).code()] = Truth::Yes;
        truths_[Literal::yes(first + place).code()] = Truth::No;
        set_bit(groups_[id].left, place, false);
    }
    // What is out is out for the earliest of its reasons: then it stays out when later ones go.
    const auto level_of_set = [&](int set) {
        const auto yes = Literal::yes(sets_[set].variable);
        return truth(yes) == Truth::Yes ? level_of(yes) : std::numeric_limits<int>::max();
    };
    std::ranges::stable_sort(sets, {}, level_of_set);
    for (const auto set : sets) attach_set(set);
    if (thorough_) read_through(id, size - 1);
}

// The package may be taken already: what it needs then follows now.
void CdclSearch::read_package(int package) {
    variables_[package].read = true;
    const auto yes = Literal::yes(package);
    const auto read = source_.read(variables_[package].group, variables_[package].place);
    if (!read.usable) {
        if (truth(yes) == Truth::Open) assign(~yes, {}, 0);
        if (truth(yes) == Truth::Yes && conflict_.empty()) conflict_ = {~yes};
        return;
    }
    Literal earliest;  // of what it implies and is false
    for (const auto set : read.implies) {
        sets_[variables_[set].set].implied_by.push_back(package);
        implies_[package].push_back(set);
        const auto needed = Literal::yes(set);
        if (truth(yes) == Truth::Yes) {
            imply(needed, yes);
        } else if (truth(needed) == Truth::No && (!earliest.valid() || level_of(needed) < level_of(earliest))) {
            earliest = needed;
        }
    }
    if (earliest.valid()) imply(~yes, ~earliest);
}

void CdclSearch::read_through(int id, int last) {
    for (int place = 0; place <= last; ++place) {
        const auto package = groups_[id].first + place;
        if (!variables_[package].read && truth(Literal::yes(package)) != Truth::No) read_package(package);
    }
}

void CdclSearch::read_everything() {
    thorough_ = true;
    for (int group = 0; group < static_cast<int>(groups_.size()); ++group) {
        if (groups_[group].loaded) read_through(group, groups_[group].size - 1);
    }
}

// Names that the search has reached.
void CdclSearch::load_pending() {
    const auto groups = std::move(to_load_);
    to_load_.clear();
    for (const auto group : groups) {
        if (groups_[group].needs > 0) load(group);
    }
}

}  // namespace envbuild::solve
