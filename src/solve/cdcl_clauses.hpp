// What was learnt: clauses with two watched literals each. Internal to solve/.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "solve/cdcl_literal.hpp"

namespace envbuild::solve {

class ClauseStore {
  public:
    struct Watch {
        int clause = 0;
        Literal other;  // a literal of the clause: where it holds, the clause need not be looked at
    };

    // At least two literals; the first two are watched. `spread` is the number of decision levels that the literals
    // come from: the fewer, the longer a clause is kept. Ids stay valid until the clause is removed.
    int add(std::span<const Literal> literals, int spread);
    [[nodiscard]] std::span<Literal> literals(int clause);
    [[nodiscard]] std::span<const Literal> literals(int clause) const;
    // Where the search for a literal to watch goes on: in long clauses the first ones have been false for long.
    [[nodiscard]] int& resume(int clause) { return clauses_[clause].resume; }
    [[nodiscard]] bool is_removed(int clause) const { return clauses_[clause].removed; }
    void bump(int clause);  // it took part in a conflict
    void decay() { step_ /= 0.999F; }

    // Watches of a literal are looked at when it becomes false. Those of removed clauses go when they are met.
    [[nodiscard]] std::vector<Watch>& watches(Literal literal) { return watches_[literal.code()]; }
    void watch(Literal literal, Watch watch) { watches_[literal.code()].push_back(watch); }
    void make_room(int variables) { watches_.resize(static_cast<std::size_t>(variables) * 2); }

    [[nodiscard]] std::size_t size() const { return kept_.size(); }
    // Forgets the less useful half. Those of a small spread stay, and those that are in `locked` (a flag for each id).
    void forget(const std::vector<char>& locked);
    [[nodiscard]] std::size_t ids() const { return clauses_.size(); }

  private:
    struct Clause {
        std::size_t begin = 0;
        int size = 0, spread = 0, resume = 2;
        float activity = 0;
        bool removed = false;
    };
    void compact();

    std::vector<Clause> clauses_;
    std::vector<Literal> arena_;
    std::vector<std::vector<Watch>> watches_;
    std::vector<int> kept_;
    std::size_t wasted_ = 0;
    float step_ = 1;
};

}  // namespace envbuild::solve
