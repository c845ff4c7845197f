#include "solve/cdcl_clauses.hpp"

#include <algorithm>

namespace envbuild::solve {

namespace {

constexpr int kSmallSpread = 2;

}  // namespace

int ClauseStore::add(std::span<const Literal> literals, int spread) {
    const auto id = static_cast<int>(clauses_.size());
    auto& clause = clauses_.emplace_back();
    clause.begin = arena_.size();
    clause.size = static_cast<int>(literals.size());
    clause.spread = spread;
    clause.activity = step_;
    arena_.insert(arena_.end(), literals.begin(), literals.end());
    watch(literals[0], {id, literals[1]});
    watch(literals[1], {id, literals[0]});
    kept_.push_back(id);
    return id;
}

std::span<Literal> ClauseStore::literals(int clause) {
    return {arena_.data() + clauses_[clause].begin, static_cast<std::size_t>(clauses_[clause].size)};
}

std::span<const Literal> ClauseStore::literals(int clause) const {
    return {arena_.data() + clauses_[clause].begin, static_cast<std::size_t>(clauses_[clause].size)};
}

void ClauseStore::bump(int clause) {
    clauses_[clause].activity += step_;
    if (clauses_[clause].activity < 1e20F) return;
    for (const auto id : kept_) clauses_[id].activity *= 1e-20F;
    step_ *= 1e-20F;
}

void ClauseStore::forget(const std::vector<char>& locked) {
    std::vector<int> candidates;
    for (const auto id : kept_) {
        if (clauses_[id].spread > kSmallSpread && locked[id] == 0) candidates.push_back(id);
    }
    std::sort(candidates.begin(), candidates.end(),
              [&](int a, int b) { return clauses_[a].activity < clauses_[b].activity; });
    candidates.resize(candidates.size() / 2);
    for (const auto id : candidates) {
        clauses_[id].removed = true;
        wasted_ += static_cast<std::size_t>(clauses_[id].size);
    }
    std::erase_if(kept_, [&](int id) { return clauses_[id].removed; });
    if (wasted_ > arena_.size() / 2) compact();
}

void ClauseStore::compact() {
    std::vector<Literal> kept;
    kept.reserve(arena_.size() - wasted_);
    for (auto& clause : clauses_) {
        if (clause.removed) {
            clause.size = 0;
            continue;
        }
        const auto begin = kept.size();
        const auto from = arena_.begin() + static_cast<std::ptrdiff_t>(clause.begin);
        kept.insert(kept.end(), from, from + clause.size);
        clause.begin = begin;
    }
    arena_ = std::move(kept);
    wasted_ = 0;
}

}  // namespace envbuild::solve
