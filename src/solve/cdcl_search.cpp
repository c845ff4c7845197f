#include "solve/cdcl_search.hpp"

#include <algorithm>
#include <bit>

#include "base/error.hpp"

namespace envbuild::solve {

namespace {

constexpr std::size_t kRestartUnit = 64;  // conflicts
// So many conflicts show that the preferred order does not lead anywhere: then activity decides.
constexpr std::size_t kHard = 128;

// 1 1 2 1 1 2 4 1 1 2 1 1 2 4 8 ... (Luby, Sinclair and Zuckerman)
std::size_t luby(std::size_t i) {
    std::size_t size = 1, power = 1;
    while (size < i + 1) size = 2 * size + 1, power *= 2;
    while (size - 1 != i) {
        size = (size - 1) / 2;
        power /= 2;
        i %= size;
    }
    return power;
}

}  // namespace

void CdclSearch::add_fact(Literal literal) {
    go_back_to(0);
    if (truth(literal) == Truth::No) contradiction_ = true;
    if (truth(literal) == Truth::Open) assign(literal, {}, 0);
}

bool CdclSearch::settle_facts() {
    go_back_to(0);
    while (!contradiction_) {
        if (!conflict_.empty() || !propagate()) {
            learn();
        } else if (to_load_.empty()) {
            return true;
        } else {
            load_pending();
        }
    }
    core_.clear();
    return false;
}

bool CdclSearch::is_left(int group, int place) const {
    return truth(Literal::yes(groups_[group].first + place)) != Truth::No;
}

// Between searches only facts hold: what is added then meets nothing that was merely assumed.
bool CdclSearch::solve(std::span<const Literal> assumptions, const CancelToken& cancel) {
    const bool found = search(assumptions, cancel);
    go_back_to(0);
    return found;
}

bool CdclSearch::search(std::span<const Literal> assumptions, const CancelToken& cancel) {
    if (!settle_facts()) return false;
    by_activity_ = false;
    std::size_t conflicts = 0, run = 0, restarts = 0;
    while (true) {
        if (!conflict_.empty() || !propagate()) {
            learn();
            if (contradiction_) {
                core_.clear();
                return false;
            }
            ++conflicts, ++run;
            if (conflicts % 64 == 0) cancel.throw_if_cancelled();
            continue;
        }
        // Assumptions may contradict each other before a name is looked at.
        if (!to_load_.empty() && static_cast<std::size_t>(level()) >= assumptions.size()) {
            cancel.throw_if_cancelled();
            load_pending();
            continue;
        }
        if (run >= kRestartUnit * luby(restarts)) {
            run = 0;
            ++restarts, ++counts_.restarts;
            by_activity_ = conflicts >= kHard;
            go_back_to(0);
            if (conflicts >= kHard && !thorough_ && source_.is_cheap_to_read()) read_everything();
            if (clauses_.size() > learnt_limit_) forget_some();
            continue;
        }
        switch (decide(assumptions)) {
            case Step::Go:
                break;
            case Step::Sat:
                keep_answer();
                return true;
            case Step::Unsat:
                return false;
        }
    }
}

CdclSearch::Step CdclSearch::decide(std::span<const Literal> assumptions) {
    while (static_cast<std::size_t>(level()) < assumptions.size()) {
        const auto next = assumptions[static_cast<std::size_t>(level())];
        if (truth(next) == Truth::No) {
            explain_assumption(next, assumptions);
            return Step::Unsat;
        }
        open_level();
        if (truth(next) == Truth::Yes) continue;  // a level of its own all the same: levels count assumptions
        assign(next, {}, level());
        return Step::Go;
    }
    if (!to_load_.empty()) return Step::Go;
    return choose();
}

CdclSearch::Step CdclSearch::choose() {
    const auto choice = by_activity_ ? choose_by_activity() : choose_in_order();
    if (!settled()) return Step::Go;  // what was read for the choice has consequences
    if (!choice.valid()) return Step::Sat;
    // A set that was made for the choice may hold already, or have been decided by what is known.
    if (truth(choice) != Truth::Open) return Step::Go;
    ++counts_.decisions;
    open_level();
    assign(choice, {}, level());
    return Step::Go;
}

int CdclSearch::first_open(const Group& group) const {
    if (group.taken >= 0) return -1;
    for (std::size_t word = 0; word < group.left.size(); ++word) {
        if (group.left[word] != 0) return static_cast<int>(word * 64) + std::countr_zero(group.left[word]);
    }
    return -1;
}

int CdclSearch::end_of_grade(const Group& group, int place) const {
    const auto end = std::upper_bound(group.grades.begin() + place, group.grades.end(), group.grades[place]);
    return static_cast<int>(end - group.grades.begin());
}

void CdclSearch::consider(int group, int place) {
    read_through(group, end_of_grade(groups_[group], place) - 1);
}

// The best grade of each name, in the order in which names came to be needed; then the best package of each.
Literal CdclSearch::choose_in_order() {
    for (; graded_ < required_.size(); ++graded_) {
        const auto id = required_[graded_];
        if (groups_[id].taken >= 0) continue;
        const auto best = first_open_considered(id);
        if (best < 0) return {};
        const auto& group = groups_[id];
        auto last = group.size - 1;
        while (truth(Literal::yes(group.first + last)) != Truth::Open) --last;
        if (best == last) return package(id, best);
        if (group.grades[best] != group.grades[last]) return grade_literal(id, best);
    }
    for (const auto id : required_) {
        if (groups_[id].taken >= 0) continue;
        const auto best = first_open_considered(id);
        return best < 0 ? Literal() : package(id, best);
    }
    return {};
}

// None where nothing is left, or where reading what is left has consequences to follow first.
int CdclSearch::first_open_considered(int id) {
    const auto best = first_open(groups_[id]);
    if (best < 0) {
        conflict_of_empty(id);
        return best;
    }
    consider(id, best);
    return settled() ? best : -1;
}

Literal CdclSearch::choose_by_activity() {
    while (!heap_.empty()) {
        const auto id = heap_.pop();
        const auto& group = groups_[id];
        if (group.needs == 0 || group.taken >= 0) continue;  // comes back when that changes
        if (group.saved >= 0 && truth(package(id, group.saved)) == Truth::Open) return package(id, group.saved);
        const auto best = first_open(group);
        if (best >= 0) return package(id, best);
        heap_.insert(id);
        conflict_of_empty(id);
        return {};
    }
    return {};
}

// The set of a group's packages of one grade; just the package where it is the only one.
Literal CdclSearch::grade_literal(int id, int place) {
    const auto grade = groups_[id].grades[place];
    for (const auto& [known, variable] : groups_[id].grade_sets) {
        if (known == grade) return Literal::yes(variable);
    }
    const auto& grades = groups_[id].grades;
    std::vector<int> places;
    for (int other = 0; other < groups_[id].size; ++other) {
        if (grades[other] == grade) places.push_back(other);
    }
    if (places.size() == 1) return package(id, place);
    const auto variable = add_choice(id, places);
    groups_[id].grade_sets.emplace_back(grade, variable);
    return Literal::yes(variable);
}

// Nothing of a needed name is left, and no clause has said so yet.
void CdclSearch::conflict_of_empty(int id) {
    for (const auto set : groups_[id].sets) {
        const auto yes = Literal::yes(sets_[set].variable);
        if (sets_[set].kind != SetKind::Need || truth(yes) != Truth::Yes) continue;
        conflict_ = literals_of_need(set);
        return;
    }
}

void CdclSearch::keep_answer() {
    for (const auto group : answer_groups_) groups_[group].answer = -1;
    answer_groups_.clear();
    for (const auto group : required_) {
        if (groups_[group].taken < 0) throw Error(ErrorKind::Bug, "the search ended with a name that has no package");
        answer_groups_.push_back(group);
        groups_[group].answer = groups_[group].taken - groups_[group].first;
    }
}

}  // namespace envbuild::solve
