// The search: conflict-driven clause learning over the packages of names, made for package choices. Internal to solve/.
//
// Variables are the packages of a group (a name) and the sets that records speak of. A set holds what one spec fits,
// all of one group; it comes as a Need (one of it is taken) or as a Bar (nothing of the group outside it is taken). A
// package that is taken makes its sets true. What follows from that is not written down as clauses but followed by the
// search itself:
//   - of a group at most one package is taken: a quadratic number of clauses otherwise;
//   - a true set takes away the packages outside it, and a taken package the sets that it is not in;
//   - a false set takes away the packages that imply it;
//   - a Need of which nothing is left is false, and a true one of which one package is left takes that.
// Clauses are only what was learnt. Sets being variables of their own, that is in terms of specs and not build by
// build.
//
// A group is loaded when one of its Needs first becomes true, in the middle of the search, and a package is read when
// it is considered: before a grade is chosen, that grade's packages. Literals that come late take the level at which
// they could have been known, so that backjumps keep them. Packages that nothing needs are never taken. Where conflicts
// are many, all packages of the names that were reached are read: more follows from each choice then.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/cancel.hpp"
#include "solve/cdcl_clauses.hpp"
#include "solve/cdcl_heap.hpp"
#include "solve/cdcl_literal.hpp"

namespace envbuild::solve {

// Where groups come from. It may add groups and sets to the search while it loads one.
class CdclSource {
  public:
    struct Package {
        bool usable = true;
        std::vector<int> implies;  // variables of sets
    };
    virtual ~CdclSource() = default;
    // The group's packages, best first: a grade for each, ascending. The search settles all grades before it chooses
    // within one.
    [[nodiscard]] virtual std::vector<int> open(int group) = 0;
    // One package of an open group; asked once, and not of those that nothing considered.
    [[nodiscard]] virtual Package read(int group, int place) = 0;
    // Places of the packages in a loaded group that are in a set, in any order.
    [[nodiscard]] virtual std::vector<int> members(int group, int tag) = 0;
    // Whether packages may be read that nothing considered, where that helps the search.
    [[nodiscard]] virtual bool is_cheap_to_read() const { return true; }
};

// Not thread-safe. What is learnt stays from one solve() to the next, and groups stay loaded.
class CdclSearch {
  public:
    enum class SetKind : std::uint8_t { Need, Bar };
    struct Counts {
        std::size_t decisions = 0, conflicts = 0, restarts = 0, learnt = 0, forgotten = 0, loaded = 0;
    };

    // `source` outlives this.
    explicit CdclSearch(CdclSource& source) : source_(source) {}
    CdclSearch(const CdclSearch&) = delete;
    CdclSearch& operator=(const CdclSearch&) = delete;

    int add_group();
    // A set that the source knows by `tag`; the result is its variable.
    int add_set(int group, SetKind kind, int tag);
    // A Need of packages at these places, true also where one of them is taken; loads the group.
    int add_choice(int group, const std::vector<int>& places);
    // From now on it holds in every answer.
    void add_fact(Literal literal);

    // Whether there is an answer in which the assumptions hold. Throws Error(Cancelled) and what the source throws.
    [[nodiscard]] bool solve(std::span<const Literal> assumptions, const CancelToken& cancel);
    // Where not: assumptions that suffice for it. Empty where nothing at all is an answer.
    [[nodiscard]] const std::vector<Literal>& core() const { return core_; }

    // The last answer: its groups, and the place of what is taken of one (-1 for none).
    [[nodiscard]] const std::vector<int>& answer_groups() const { return answer_groups_; }
    [[nodiscard]] int answer(int group) const { return groups_[group].answer; }

    // Follows facts as far as they go without search; false where they contradict each other.
    [[nodiscard]] bool settle_facts();
    // Whether facts alone leave the package, after settle_facts().
    [[nodiscard]] bool is_left(int group, int place) const;
    [[nodiscard]] int group_size(int group) const { return groups_[group].size; }
    [[nodiscard]] bool is_loaded(int group) const { return groups_[group].loaded; }
    void load(int group);
    // Reads the group's packages up to this place, and all of its grade, so that facts can exclude them.
    void consider(int group, int place);
    [[nodiscard]] Literal package(int group, int place) const { return Literal::yes(groups_[group].first + place); }
    [[nodiscard]] const Counts& counts() const { return counts_; }

  private:
    struct Variable {
        int group = 0;
        int place = -1;  // of a package; -1 for a set
        int set = -1;
        int level = 0;
        Antecedent antecedent;
        bool seen = false;
        bool read = false;  // of a package: what it implies is known
    };
    struct Set {
        int variable = 0, group = 0, tag = -1;
        SetKind kind = SetKind::Need;
        std::vector<std::uint64_t> places;  // bits; empty until the group is loaded
        std::vector<int> implied_by;        // packages
        [[nodiscard]] bool holds(int place) const {
            return ((places[static_cast<std::size_t>(place) / 64] >> (static_cast<unsigned>(place) % 64)) & 1U) != 0;
        }
    };
    struct Group {
        bool loaded = false;
        bool narrowed = false;    // it waits for its Needs to be looked at
        int first = 0, size = 0;  // variables of its packages
        int needs = 0;            // sets of the kind Need that are true
        int taken = -1;           // variable
        int saved = -1;           // the place last taken
        int answer = -1;
        std::vector<std::uint64_t> left;  // bits: places of packages that are not out
        std::vector<int> sets, grades;
        std::vector<std::pair<int, int>> grade_sets;  // grade, variable
    };

    // Assignment (cdcl_trail.cpp)
    int new_variable(int group, int place, int set);
    [[nodiscard]] Truth truth(Literal literal) const { return truths_[literal.code()]; }
    [[nodiscard]] int level() const { return static_cast<int>(level_starts_.size()); }
    [[nodiscard]] int level_of(Literal literal) const { return variables_[literal.variable()].level; }
    [[nodiscard]] bool is_dead(Literal literal) const { return truth(literal) == Truth::No && level_of(literal) == 0; }
    void assign(Literal literal, Antecedent antecedent, int level);
    void undo(Literal literal);
    void go_back_to(int level);
    void open_level();
    static void set_bit(std::vector<std::uint64_t>& bits, int place, bool value);

    // Consequences (cdcl_propagate.cpp)
    bool propagate();
    bool imply(Literal literal, Literal cause);
    bool leave_only(int group, std::span<const std::uint64_t> places, Literal cause);
    bool follow_package(Literal literal);
    bool follow_set(Literal literal);
    void mark_narrowed(int group);
    bool follow_needs(int group);
    bool follow_need(int set);
    [[nodiscard]] std::vector<Literal> literals_of_need(int set) const;
    bool visit_watches(Literal falsified);
    void set_conflict(std::span<const Literal> literals) { conflict_.assign(literals.begin(), literals.end()); }

    // Structure (cdcl_structure.cpp)
    int new_set(int group, SetKind kind, int tag);
    void fill_set(int set, const std::vector<int>& places);
    void attach_set(int set);
    void load_pending();
    void read_package(int package);
    void read_through(int group, int last);
    void read_everything();

    // Conflicts (cdcl_analyse.cpp)
    void learn();
    [[nodiscard]] Literal told_by_sets(Literal literal) const;
    void collect_reason(Literal literal, std::vector<Literal>& out);
    bool is_redundant(Literal literal, const std::vector<char>& levels_of_clause);
    void explain_assumption(Literal failed, std::span<const Literal> assumptions);
    void forget_some();

    // Decisions (cdcl_search.cpp)
    enum class Step : std::uint8_t { Go, Sat, Unsat };
    bool search(std::span<const Literal> assumptions, const CancelToken& cancel);
    Step decide(std::span<const Literal> assumptions);
    Step choose();
    [[nodiscard]] Literal choose_in_order();
    [[nodiscard]] Literal choose_by_activity();
    [[nodiscard]] int first_open(const Group& group) const;
    [[nodiscard]] int first_open_considered(int group);
    [[nodiscard]] int end_of_grade(const Group& group, int place) const;
    [[nodiscard]] bool settled() const { return conflict_.empty() && head_ == trail_.size() && narrowed_.empty(); }
    Literal grade_literal(int group, int place);
    void conflict_of_empty(int group);
    void keep_answer();

    CdclSource& source_;
    ClauseStore clauses_;
    std::vector<Variable> variables_;
    std::vector<Truth> truths_;              // by literal
    std::vector<std::vector<int>> implies_;  // by variable: the sets of a package
    std::vector<Set> sets_;
    std::vector<Group> groups_;
    std::vector<Literal> trail_;
    std::vector<std::size_t> level_starts_;
    std::size_t head_ = 0;
    std::vector<Literal> conflict_;           // all false; empty for none
    std::vector<int> required_;               // groups with a true Need, in the order in which they got it
    std::size_t graded_ = 0;                  // of required_, how many have settled their grade
    std::vector<std::size_t> graded_starts_;  // as it was when each level began
    std::vector<int> to_load_;
    std::vector<int> narrowed_;  // groups
    ActivityHeap heap_;
    std::vector<int> answer_groups_;
    std::vector<Literal> core_;
    std::vector<Literal> marked_;  // during analysis
    bool contradiction_ = false;
    bool by_activity_ = false;
    bool thorough_ = false;  // packages are read as soon as their group is loaded
    std::size_t learnt_limit_ = 2000;
    Counts counts_;
};

}  // namespace envbuild::solve
