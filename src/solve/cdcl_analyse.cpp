#include <algorithm>

#include "solve/cdcl_search.hpp"

namespace envbuild::solve {

// The other literals of the reason for a literal that holds: all false.
void CdclSearch::collect_reason(Literal literal, std::vector<Literal>& out) {
    out.clear();
    const auto& antecedent = variables_[literal.variable()].antecedent;
    if (antecedent.cause.valid()) {
        out.push_back(~antecedent.cause);
        return;
    }
    if (antecedent.need >= 0) out = literals_of_need(antecedent.need);
    if (antecedent.clause >= 0) {
        clauses_.bump(antecedent.clause);
        const auto literals = clauses_.literals(antecedent.clause);
        out.assign(literals.begin(), literals.end());
    }
    std::erase(out, literal);
}

// A package that is out because of one other thing is told of by that: hundreds of builds are out for one set, and a
// clause of hundreds of literals teaches next to nothing.
Literal CdclSearch::told_by_sets(Literal literal) const {
    while (!literal.negated() && variables_[literal.variable()].set < 0 && level_of(literal) > 0) {
        const auto cause = variables_[literal.variable()].antecedent.cause;
        if (!cause.valid()) break;
        literal = ~cause;
    }
    return literal;
}

// From the conflict to a clause with one literal of the highest level (first unique implication point), then back to
// where that literal follows.
void CdclSearch::learn() {
    ++counts_.conflicts;
    int top = 0;
    for (const auto literal : conflict_) top = std::max(top, level_of(literal));
    if (top == 0) {
        contradiction_ = true;
        conflict_.clear();
        return;
    }
    go_back_to(top);

    std::vector<Literal> learnt = {Literal()}, open = std::move(conflict_);
    conflict_.clear();
    auto index = trail_.size();
    Literal point;
    int left = 0;
    while (true) {
        for (auto literal : open) {
            if (level_of(literal) < top) literal = told_by_sets(literal);
            auto& variable = variables_[literal.variable()];
            if (variable.seen || variable.level == 0) continue;
            variable.seen = true;
            marked_.push_back(literal);
            heap_.bump(variable.group);
            if (variable.level == top) {
                ++left;
            } else {
                learnt.push_back(literal);
            }
        }
        do {
            point = trail_[--index];
        } while (!variables_[point.variable()].seen || level_of(point) != top);
        if (--left == 0) break;
        collect_reason(point, open);
    }
    learnt[0] = ~point;

    std::vector<char> levels_of_clause(static_cast<std::size_t>(top) + 1, 0);
    for (const auto literal : learnt) levels_of_clause[level_of(literal)] = 1;
    std::vector<Literal> kept = {learnt[0]};
    for (std::size_t i = 1; i < learnt.size(); ++i) {
        if (!is_redundant(learnt[i], levels_of_clause)) kept.push_back(learnt[i]);
    }
    for (const auto literal : marked_) variables_[literal.variable()].seen = false;
    marked_.clear();
    heap_.decay();
    clauses_.decay();

    if (kept.size() == 1) {
        go_back_to(0);
        assign(kept[0], {}, 0);
        return;
    }
    std::iter_swap(kept.begin() + 1, std::max_element(kept.begin() + 1, kept.end(),
                                                      [&](Literal a, Literal b) { return level_of(a) < level_of(b); }));
    std::vector<int> levels;
    for (const auto literal : kept) levels.push_back(level_of(literal));
    std::sort(levels.begin(), levels.end());
    const auto spread = std::unique(levels.begin(), levels.end()) - levels.begin();
    const auto back = level_of(kept[1]);
    go_back_to(back);
    ++counts_.learnt;
    const auto clause = clauses_.add(kept, static_cast<int>(spread));
    assign(kept[0], {{}, clause}, back);
}

// Whether the literal's falsity follows from the other literals of the clause that is being learnt. It cannot where it
// rests on a level that the clause has no literal of.
bool CdclSearch::is_redundant(Literal literal, const std::vector<char>& levels_of_clause) {
    const auto has_reason = [&](Literal one) { return variables_[one.variable()].antecedent.exists(); };
    if (!has_reason(literal)) return false;
    const auto marked_before = marked_.size();
    std::vector<Literal> open = {literal}, reason;
    while (!open.empty()) {
        const auto next = open.back();
        open.pop_back();
        collect_reason(~next, reason);
        for (const auto other : reason) {
            auto& variable = variables_[other.variable()];
            if (variable.seen || variable.level == 0) continue;
            if (!has_reason(other) || levels_of_clause[variable.level] == 0) {
                for (auto i = marked_before; i < marked_.size(); ++i) variables_[marked_[i].variable()].seen = false;
                marked_.resize(marked_before);
                return false;
            }
            variable.seen = true;
            marked_.push_back(other);
            open.push_back(other);
        }
    }
    return true;
}

// Which assumptions make one of them false.
void CdclSearch::explain_assumption(Literal failed, std::span<const Literal> assumptions) {
    core_ = {failed};
    std::vector<Literal> open = {~failed}, reason;  // literals that hold
    while (!open.empty()) {
        const auto next = open.back();
        open.pop_back();
        auto& variable = variables_[next.variable()];
        if (variable.seen || variable.level == 0) continue;
        variable.seen = true;
        marked_.push_back(next);
        collect_reason(next, reason);
        if (reason.empty() && std::find(assumptions.begin(), assumptions.end(), next) != assumptions.end()) {
            core_.push_back(next);
        }
        for (const auto other : reason) open.push_back(~other);
    }
    for (const auto literal : marked_) variables_[literal.variable()].seen = false;
    marked_.clear();
}

void CdclSearch::forget_some() {
    std::vector<char> locked(clauses_.ids(), 0);
    for (const auto literal : trail_) {
        if (const auto clause = variables_[literal.variable()].antecedent.clause; clause >= 0) locked[clause] = 1;
    }
    const auto before = clauses_.size();
    clauses_.forget(locked);
    counts_.forgotten += before - clauses_.size();
    learnt_limit_ += 500;
}

}  // namespace envbuild::solve
