// A request as a satisfiability problem over small integers, loaded as a whole: what explanations look at. The search
// itself sees it name by name (reached_request.hpp). Internal to solve/.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "solve/universe.hpp"

namespace envbuild::solve {

// Of each group (the packages of one name) at most one is taken. A package that is taken needs one of each set in
// `needs`, and of the groups of its `bars` nothing outside those sets. One of each root set is taken, and virtual
// packages always are.
struct Problem {
    struct Group {
        int name = 0;  // of the universe
        std::string text;
        bool is_virtual = false;
        std::vector<int> packages;  // best first
    };
    struct Set {
        int spec = 0;  // of the universe
        int group = 0;
        std::vector<int> packages;  // best first
    };
    // Why a package was out from the start.
    enum class Excluded : std::uint8_t { No, Broken, Constraint, CpuBuild, Other };

    std::vector<Group> groups;
    std::vector<Set> sets;
    std::vector<int> roots;                     // sets
    std::vector<int> universe_package;          // package -> universe
    std::vector<int> group_of;                  // package -> group
    std::vector<std::vector<int>> needs, bars;  // package -> sets
    std::vector<Excluded> excluded;             // package -> why

    [[nodiscard]] std::size_t size() const { return group_of.size(); }
};

// Which parts of the request count; explanations leave some out.
struct ProblemParts {
    std::vector<int> specs;        // indices into Request::specs
    std::vector<int> constraints;  // indices into Request::constraints
    bool gpu = false;
    bool virtual_packages = true;  // false: as if the target had whatever is asked of it
    [[nodiscard]] static ProblemParts all(const Request& request);
};

// Everything that the parts of the request reach, with the reason for what is out. With `names` only those are looked
// at, beside what the request itself names: as if every need for another name were met.
[[nodiscard]] Problem build_problem(Universe& universe, const ProblemParts& parts,
                                    const std::optional<std::set<int>>& names = std::nullopt);

}  // namespace envbuild::solve
