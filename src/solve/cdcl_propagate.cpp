#include <algorithm>
#include <bit>

#include "solve/cdcl_search.hpp"

namespace envbuild::solve {

// False on a conflict, which is then in conflict_.
bool CdclSearch::propagate() {
    while (true) {
        while (head_ < trail_.size()) {
            const auto literal = trail_[head_++];
            const bool is_package = variables_[literal.variable()].set < 0;
            if (!(is_package ? follow_package(literal) : follow_set(literal)) || !visit_watches(~literal)) return false;
        }
        if (narrowed_.empty()) return true;
        const auto group = narrowed_.back();
        narrowed_.pop_back();
        groups_[group].narrowed = false;
        if (follow_needs(group)) continue;
        mark_narrowed(group);  // its other Needs were not looked at
        return false;
    }
}

bool CdclSearch::imply(Literal literal, Literal cause) {
    switch (truth(literal)) {
        case Truth::Yes:
            return true;
        case Truth::Open:
            assign(literal, {cause, -1}, level_of(cause));
            return true;
        case Truth::No:
            break;
    }
    if (conflict_.empty()) conflict_ = {literal, ~cause};
    return false;
}

// Takes away the group's packages that are left and have no bit in `places`; no bits at all stand for none.
bool CdclSearch::leave_only(int group, std::span<const std::uint64_t> places, Literal cause) {
    const auto first = groups_[group].first;
    for (std::size_t word = 0; word < groups_[group].left.size(); ++word) {
        auto out = groups_[group].left[word];
        if (!places.empty()) out &= ~places[word];
        for (; out != 0; out &= out - 1) {
            const auto package = first + static_cast<int>(word * 64) + std::countr_zero(out);
            if (package != cause.variable() && !imply(Literal::no(package), cause)) return false;
        }
    }
    return true;
}

bool CdclSearch::follow_package(Literal literal) {
    if (literal.negated()) return true;
    if (!variables_[literal.variable()].read) {
        read_package(literal.variable());
        if (!conflict_.empty()) return false;
    }
    const auto& variable = variables_[literal.variable()];
    auto& group = groups_[variable.group];
    if (!leave_only(variable.group, {}, literal)) return false;
    group.taken = literal.variable();  // where another held as well, that one is gone now
    for (const auto set : implies_[literal.variable()]) {
        if (!imply(Literal::yes(set), literal)) return false;
    }
    const auto place = variable.place;
    return std::all_of(group.sets.begin(), group.sets.end(), [&](int set) {
        return sets_[set].holds(place) || imply(Literal::no(sets_[set].variable), literal);
    });
}

bool CdclSearch::follow_set(Literal literal) {
    const auto& set = sets_[variables_[literal.variable()].set];
    if (literal.negated()) {
        return std::all_of(set.implied_by.begin(), set.implied_by.end(),
                           [&](int package) { return imply(Literal::no(package), literal); });
    }
    return !groups_[set.group].loaded || leave_only(set.group, set.places, literal);
}

void CdclSearch::mark_narrowed(int group) {
    if (groups_[group].narrowed) return;
    groups_[group].narrowed = true;
    narrowed_.push_back(group);
}

// Where a package of the group is taken, all that there is to say of its sets was said then.
bool CdclSearch::follow_needs(int id) {
    const auto& group = groups_[id];
    return !group.loaded || group.taken >= 0 ||
           std::all_of(group.sets.begin(), group.sets.end(), [&](int set) { return follow_need(set); });
}

bool CdclSearch::follow_need(int id) {
    const auto& set = sets_[id];
    const auto need = Literal::yes(set.variable);
    if (set.kind != SetKind::Need || truth(need) == Truth::No) return true;
    const auto& group = groups_[set.group];
    int left = 0, place = -1;
    for (std::size_t word = 0; word < set.places.size() && left < 2; ++word) {
        const auto bits = set.places[word] & group.left[word];
        if (bits == 0) continue;
        left += std::popcount(bits);
        place = static_cast<int>(word * 64) + std::countr_zero(bits);
    }
    if (left > 1 || (left == 1 && truth(need) != Truth::Yes)) return true;
    if (left == 0 && truth(need) == Truth::Yes) {
        set_conflict(literals_of_need(id));
        return false;
    }
    const auto implied = left == 0 ? ~need : package(set.group, place);
    if (truth(implied) == Truth::Yes) return true;
    // What was known at an earlier level stays when later ones go.
    int at = 0;
    for (const auto literal : literals_of_need(id)) {
        if (literal != implied) at = std::max(at, level_of(literal));
    }
    assign(implied, {{}, -1, id}, at);
    return true;
}

// That a Need is false or has a package that is taken.
std::vector<Literal> CdclSearch::literals_of_need(int id) const {
    const auto& set = sets_[id];
    std::vector<Literal> literals = {Literal::no(set.variable)};
    for (std::size_t word = 0; word < set.places.size(); ++word) {
        for (auto bits = set.places[word]; bits != 0; bits &= bits - 1)
            literals.push_back(package(set.group, static_cast<int>(word * 64) + std::countr_zero(bits)));
    }
    return literals;
}

bool CdclSearch::visit_watches(Literal falsified) {
    auto& list = clauses_.watches(falsified);
    std::size_t kept = 0;
    for (std::size_t i = 0; i < list.size(); ++i) {
        const auto watch = list[i];
        // Before the clause itself is touched, which is seldom in the processor's cache.
        if (truth(watch.other) == Truth::Yes) {
            list[kept++] = watch;
            continue;
        }
        if (clauses_.is_removed(watch.clause)) continue;
        const auto literals = clauses_.literals(watch.clause);
        if (literals[0] == falsified) std::swap(literals[0], literals[1]);
        const auto first = literals[0];
        if (truth(first) == Truth::Yes) {
            list[kept++] = {watch.clause, first};
            continue;
        }
        const auto is_free = [&](Literal literal) { return truth(literal) != Truth::No; };
        auto& resume = clauses_.resume(watch.clause);
        const auto from = literals.begin() + resume;
        auto other = std::find_if(from, literals.end(), is_free);
        if (other == literals.end()) {
            other = std::find_if(literals.begin() + 2, from, is_free);
            if (other == from) other = literals.end();
        }
        if (other != literals.end()) {
            resume = static_cast<int>(other - literals.begin());
            std::swap(literals[1], *other);
            clauses_.watch(literals[1], {watch.clause, first});
            continue;
        }
        list[kept++] = {watch.clause, first};
        if (truth(first) == Truth::No) {
            set_conflict(literals);
            kept = static_cast<std::size_t>(std::move(list.begin() + static_cast<std::ptrdiff_t>(i) + 1, list.end(),
                                                      list.begin() + static_cast<std::ptrdiff_t>(kept)) -
                                            list.begin());
            list.resize(kept);
            return false;
        }
        auto at = level_of(falsified);
        if (at < level()) {
            for (const auto literal : literals.subspan(1)) at = std::max(at, level_of(literal));
        }
        assign(first, {{}, watch.clause}, at);
    }
    list.resize(kept);
    return true;
}

}  // namespace envbuild::solve
