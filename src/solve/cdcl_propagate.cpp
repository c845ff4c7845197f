#include <algorithm>

#include "solve/cdcl_search.hpp"

namespace envbuild::solve {

// False on a conflict, which is then in conflict_.
bool CdclSearch::propagate() {
    while (head_ < trail_.size()) {
        const auto literal = trail_[head_++];
        const bool is_package = variables_[literal.variable()].set < 0;
        if (!(is_package ? follow_package(literal) : follow_set(literal)) || !visit_watches(~literal)) return false;
    }
    return true;
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

bool CdclSearch::follow_package(Literal literal) {
    if (literal.negated()) return true;
    if (!variables_[literal.variable()].read) {
        read_package(literal.variable());
        if (!conflict_.empty()) return false;
    }
    const auto& variable = variables_[literal.variable()];
    const auto& group = groups_[variable.group];
    for (int other = group.first; other < group.first + group.size; ++other) {
        if (other != literal.variable() && !imply(Literal::no(other), literal)) return false;
    }
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
    const auto& group = groups_[set.group];
    if (!group.loaded) return true;
    for (int place = 0; place < group.size; ++place) {
        if (!set.holds(place) && !imply(Literal::no(group.first + place), literal)) return false;
    }
    return true;
}

bool CdclSearch::visit_watches(Literal falsified) {
    auto& list = clauses_.watches(falsified);
    std::size_t kept = 0;
    for (std::size_t i = 0; i < list.size(); ++i) {
        const auto watch = list[i];
        if (clauses_.is_removed(watch.clause)) continue;
        if (truth(watch.other) == Truth::Yes) {
            list[kept++] = watch;
            continue;
        }
        const auto literals = clauses_.literals(watch.clause);
        if (literals[0] == falsified) std::swap(literals[0], literals[1]);
        const auto first = literals[0];
        if (truth(first) == Truth::Yes) {
            list[kept++] = {watch.clause, first};
            continue;
        }
        const auto other = std::find_if(literals.begin() + 2, literals.end(),
                                        [&](Literal literal) { return truth(literal) != Truth::No; });
        if (other != literals.end()) {
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
