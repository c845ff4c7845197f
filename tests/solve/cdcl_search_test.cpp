// Our own search against libsolv and against the problem itself, on random problems: from tiny ones, where every corner
// of propagation occurs, to ones near the edge between many answers and none, where it takes hundreds of conflicts.
#include "solve/cdcl_search.hpp"

#include <algorithm>
#include <random>

#include "solve/cdcl_support.hpp"
#include "solve/libsolv_support.hpp"

using namespace envbuild::solve;
using namespace envbuild::solve::test;

namespace {

struct Shape {
    int groups, packages, sets, needs, bars, roots;
    int share;         // quarters of a group that a set holds at least
    int at_least = 1;  // packages of a group
    bool odd = false;  // some packages are out from the start, or need others of their own name
};

class Maker {
  public:
    explicit Maker(unsigned seed) : random_(seed) {}
    int below(int limit) { return static_cast<int>(random_() % static_cast<unsigned>(limit)); }

    Problem problem(const Shape& shape) {
        Problem made;
        for (int g = 0; g < shape.groups; ++g) {
            auto& group = made.groups.emplace_back();
            group.is_virtual = g == 0 && below(3) == 0;
            const auto count = shape.at_least + below(shape.packages);
            for (int i = 0; i < count; ++i) {
                group.packages.push_back(static_cast<int>(made.size()));
                made.group_of.push_back(g);
                made.universe_package.push_back(0);
                const bool is_out = shape.odd && below(8) == 0;
                made.excluded.push_back(is_out ? Problem::Excluded::Broken : Problem::Excluded::No);
            }
        }
        std::vector<std::vector<int>> sets_of_group(made.groups.size());
        for (int g = 0; g < shape.groups; ++g) {
            for (int s = 0; s < shape.sets; ++s) {
                auto& set = made.sets.emplace_back();
                set.group = g;
                const auto share = shape.share + below(5 - shape.share);
                for (const auto package : made.groups[g].packages) {
                    if (below(4) < share) set.packages.push_back(package);
                }
                sets_of_group[g].push_back(static_cast<int>(made.sets.size()) - 1);
            }
        }
        const auto pick = [&](int group) { return sets_of_group[group][below(shape.sets)]; };
        made.needs.resize(made.size());
        made.bars.resize(made.size());
        for (std::size_t i = 0; i < made.size(); ++i) {
            // Every version needs mostly the same names, as real packages do.
            for (auto [list, most] : {std::pair(&made.needs[i], shape.needs), std::pair(&made.bars[i], shape.bars)}) {
                for (int n = 0; n < most; ++n) {
                    const auto other = below(4) == 0 ? below(shape.groups) : (made.group_of[i] + n + 1) % shape.groups;
                    const bool is_own = other == made.group_of[i];
                    // What it constrains of its own name says nothing: of a name one package is taken.
                    const bool may_be = !is_own || (shape.odd && list == &made.needs[i] && below(4) == 0);
                    if (may_be && below(4) != 0) list->push_back(pick(other));
                }
            }
        }
        for (int r = 0; r < shape.roots; ++r) made.roots.push_back(pick(below(shape.groups)));
        return made;
    }

    std::vector<std::vector<int>> demands(const Problem& problem) {
        std::vector<std::vector<int>> made;
        for (int i = 0; i < below(3); ++i) {
            const auto& packages = problem.groups[below(static_cast<int>(problem.groups.size()))].packages;
            auto& demand = made.emplace_back();
            for (const auto package : packages) {
                if (below(2) == 0) demand.push_back(package);
            }
        }
        return made;
    }

  private:
    std::mt19937 random_;
};

// Whether the packages are an answer.
bool is_answer(const Problem& problem, const std::vector<std::vector<int>>& demands, const std::vector<int>& taken) {
    std::vector<int> of_group(problem.groups.size(), -1);
    for (const auto package : taken) {
        if (of_group[problem.group_of[package]] >= 0) return false;
        of_group[problem.group_of[package]] = package;
        if (problem.excluded[package] != Problem::Excluded::No) return false;
    }
    const auto has = [&](const std::vector<int>& packages) {
        return std::any_of(packages.begin(), packages.end(),
                           [&](int package) { return of_group[problem.group_of[package]] == package; });
    };
    const auto met = [&](int set) { return has(problem.sets[set].packages); };
    const auto respected = [&](int set) { return of_group[problem.sets[set].group] < 0 || met(set); };
    return std::all_of(problem.roots.begin(), problem.roots.end(), met) &&
           std::all_of(demands.begin(), demands.end(), has) &&
           std::all_of(problem.groups.begin(), problem.groups.end(),
                       [&](const auto& group) { return !group.is_virtual || has(group.packages); }) &&
           std::all_of(taken.begin(), taken.end(), [&](int package) {
               return std::all_of(problem.needs[package].begin(), problem.needs[package].end(), met) &&
                      std::all_of(problem.bars[package].begin(), problem.bars[package].end(), respected);
           });
}

struct Tally {
    int found = 0, none = 0;
};

void compare(const Shape& shape, unsigned seed, int rounds, Tally& tally) {
    CAPTURE(seed);
    Maker maker(seed);
    const auto problem = maker.problem(shape);
    const auto ours = make_cdcl_solver(problem, 1 + static_cast<int>(seed % 4));
    const auto theirs = make_libsolv_solver(problem);
    // Asked again and again, so that what is learnt under one demand must hold under the next.
    for (int round = 0; round < rounds; ++round) {
        CAPTURE(round);
        const auto demands = round == 0 ? std::vector<std::vector<int>>() : maker.demands(problem);
        const auto answer = ours->solve(demands);
        REQUIRE(answer.has_value() == theirs->solve(demands).has_value());
        if (answer) REQUIRE(is_answer(problem, demands, *answer));
        if (!answer) REQUIRE_FALSE(theirs->solve(ours->core()));
        ++(answer ? tally.found : tally.none);
    }
}

// A group for each variable (its two packages are its two values) and one for each clause, whose packages each need one
// value. At this ratio of clauses random formulas are the hardest, and half of them have an answer.
Problem three_sat(unsigned seed, int variables) {
    std::mt19937 random(seed);
    Problem made;
    const auto add_group = [&](int packages) {
        auto& group = made.groups.emplace_back();
        for (int i = 0; i < packages; ++i) {
            group.packages.push_back(static_cast<int>(made.size()));
            made.group_of.push_back(static_cast<int>(made.groups.size()) - 1);
            made.universe_package.push_back(0);
            made.excluded.push_back(Problem::Excluded::No);
            made.needs.emplace_back();
            made.bars.emplace_back();
        }
        return static_cast<int>(made.groups.size()) - 1;
    };
    const auto add_set = [&](int group, std::vector<int> packages) {
        auto& set = made.sets.emplace_back();
        set.group = group;
        set.packages = std::move(packages);
        return static_cast<int>(made.sets.size()) - 1;
    };
    for (int i = 0; i < variables; ++i) add_group(2);
    for (int package = 0; package < 2 * variables; ++package) add_set(package / 2, {package});
    for (int i = 0; i < variables * 43 / 10; ++i) {
        const auto clause = add_group(3);
        const auto packages = made.groups[clause].packages;
        made.roots.push_back(add_set(clause, packages));
        for (const auto package : packages) {
            made.needs[package].push_back(static_cast<int>(random() % static_cast<unsigned>(2 * variables)));
        }
    }
    return made;
}

// More pigeons than holes: a name for each pigeon, its packages are the holes; a name for each hole, its packages are
// the pigeons.
Problem pigeons(int holes) {
    Problem made;
    const auto count = holes + 1;
    made.groups.resize(static_cast<std::size_t>(count + holes));
    const auto add_package = [&](int group) {
        made.groups[group].packages.push_back(static_cast<int>(made.size()));
        made.group_of.push_back(group);
        made.universe_package.push_back(0);
        made.excluded.push_back(Problem::Excluded::No);
        made.needs.emplace_back();
        made.bars.emplace_back();
        return static_cast<int>(made.size()) - 1;
    };
    for (int pigeon = 0; pigeon < count; ++pigeon) {
        for (int hole = 0; hole < holes; ++hole) {
            const auto package = add_package(pigeon), taken = add_package(count + hole);
            made.needs[package].push_back(static_cast<int>(made.sets.size()));
            auto& set = made.sets.emplace_back();
            set.group = count + hole;
            set.packages = {taken};
        }
        made.roots.push_back(static_cast<int>(made.sets.size()));
        auto& all = made.sets.emplace_back();
        all.group = pigeon;
        all.packages = made.groups[pigeon].packages;
    }
    return made;
}

}  // namespace

TEST_CASE("our search agrees with libsolv on small problems") {
    Tally tally;
    for (unsigned seed = 0; seed < 1500; ++seed) compare({5, 4, 3, 2, 1, 2, 1}, seed, 4, tally);
    CHECK(tally.found > 500);
    CHECK(tally.none > 500);
}

TEST_CASE("our search agrees with libsolv where packages are out from the start or speak of their own name") {
    Tally tally;
    for (unsigned seed = 0; seed < 800; ++seed) compare({5, 4, 3, 2, 1, 2, 1, 1, true}, seed, 4, tally);
    for (unsigned seed = 0; seed < 60; ++seed) compare({20, 10, 6, 2, 1, 3, 1, 2, true}, seed, 4, tally);
    CHECK(tally.found > 300);
    CHECK(tally.none > 300);
}

TEST_CASE("our search agrees with libsolv on names with more than a hundred packages") {
    Tally tally;
    for (unsigned seed = 0; seed < 16; ++seed) compare({12, 70, 40, 2, 1, 4, 0, 63}, seed, 3, tally);
    CHECK(tally.found > 8);
    CHECK(tally.none > 8);
}

TEST_CASE("our search agrees with libsolv on problems of many names") {
    Tally tally;
    for (unsigned seed = 0; seed < 60; ++seed) compare({60, 12, 12, 2, 1, 3, 2}, seed, 3, tally);
    CHECK(tally.found > 20);
    CHECK(tally.none > 20);
}

TEST_CASE("our search agrees with libsolv on hard problems") {
    Tally tally;
    for (unsigned seed = 0; seed < 30; ++seed) {
        CAPTURE(seed);
        const auto problem = three_sat(seed, 60);
        const auto answer = make_cdcl_solver(problem)->solve({});
        REQUIRE(answer.has_value() == make_libsolv_solver(problem)->solve({}).has_value());
        if (answer) CHECK(is_answer(problem, {}, *answer));
        ++(answer ? tally.found : tally.none);
    }
    CHECK(tally.found > 5);
    CHECK(tally.none > 5);
}

TEST_CASE("no answer is proved where it takes thousands of conflicts") {
    CHECK_FALSE(make_cdcl_solver(pigeons(8))->solve({}));
    // And it says the same when it is asked again, having forgotten clauses meanwhile.
    const auto problem = pigeons(6);
    const auto solver = make_cdcl_solver(problem);
    for (int i = 0; i < 3; ++i) CHECK_FALSE(solver->solve({problem.groups[0].packages}));
}
