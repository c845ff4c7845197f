#include <algorithm>

#include "solve/cdcl_search.hpp"

namespace envbuild::solve {

int CdclSearch::new_variable(int group, int place, int set) {
    const auto id = static_cast<int>(variables_.size());
    auto& variable = variables_.emplace_back();
    variable.group = group;
    variable.place = place;
    variable.set = set;
    truths_.resize(truths_.size() + 2, Truth::Open);
    implies_.emplace_back();
    clauses_.make_room(id + 1);
    return id;
}

void CdclSearch::assign(Literal literal, Antecedent antecedent, int level) {
    truths_[literal.code()] = Truth::Yes;
    truths_[(~literal).code()] = Truth::No;
    auto& variable = variables_[literal.variable()];
    variable.level = level;
    variable.antecedent = antecedent;
    trail_.push_back(literal);
    auto& group = groups_[variable.group];
    if (literal.negated()) {
        if (variable.set >= 0) return;
        set_bit(group.left, variable.place, false);
        mark_narrowed(variable.group);
    } else if (variable.set < 0) {
        // Two of one group may hold until that is followed, which is then a conflict.
        if (group.taken < 0) group.taken = literal.variable();
        group.saved = variable.place;
    } else if (sets_[variable.set].kind == SetKind::Need) {
        mark_narrowed(variable.group);
        if (group.needs++ > 0) return;
        required_.push_back(variable.group);
        heap_.insert(variable.group);
        if (!group.loaded) to_load_.push_back(variable.group);
    }
}

void CdclSearch::undo(Literal literal) {
    truths_[literal.code()] = Truth::Open;
    truths_[(~literal).code()] = Truth::Open;
    const auto& variable = variables_[literal.variable()];
    auto& group = groups_[variable.group];
    if (literal.negated()) {
        if (variable.set < 0) set_bit(group.left, variable.place, true);
        return;
    }
    if (variable.set < 0) {
        if (group.taken == literal.variable()) group.taken = -1;
        if (group.needs > 0) heap_.insert(variable.group);
    } else if (sets_[variable.set].kind == SetKind::Need && --group.needs == 0) {
        const auto found = std::find(required_.rbegin(), required_.rend(), variable.group);
        required_.erase(std::next(found).base());
    }
}

void CdclSearch::set_bit(std::vector<std::uint64_t>& bits, int place, bool value) {
    const auto bit = std::uint64_t{1} << (static_cast<unsigned>(place) % 64);
    auto& word = bits[static_cast<std::size_t>(place) / 64];
    word = value ? word | bit : word & ~bit;
}

void CdclSearch::open_level() {
    level_starts_.push_back(trail_.size());
    graded_starts_.push_back(graded_);
}

// What came late but holds at a level that stays is kept, and followed again: its consequences may have been found at a
// level that goes.
void CdclSearch::go_back_to(int level) {
    if (level >= this->level()) return;
    const auto start = level_starts_[level];
    for (auto i = trail_.size(); i-- > start;) {
        if (level_of(trail_[i]) > level) {
            undo(trail_[i]);
        } else {
            mark_narrowed(variables_[trail_[i].variable()].group);
        }
    }
    const auto kept = std::remove_if(trail_.begin() + static_cast<std::ptrdiff_t>(start), trail_.end(),
                                     [&](Literal literal) { return truth(literal) == Truth::Open; });
    trail_.erase(kept, trail_.end());
    head_ = std::min(head_, start);
    graded_ = graded_starts_[level];
    level_starts_.resize(static_cast<std::size_t>(level));
    graded_starts_.resize(static_cast<std::size_t>(level));
}

}  // namespace envbuild::solve
