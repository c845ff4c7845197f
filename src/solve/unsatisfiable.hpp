// Unsatisfiable: why a request has no solution. A value that both the text for people and the JSON for machines
// (docs/resolver.md, "No answer") are written from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/json.hpp"

namespace envbuild::solve {

// Packages of one name, as an explanation speaks of them.
struct PackageGroup {
    // Versions that stand next to each other among all that the channels have of the name; of one, both are the same.
    struct Range {
        std::string lowest, highest;
        std::size_t versions = 1;
    };
    std::string name;
    std::vector<std::string> versions;  // ascending
    std::vector<Range> ranges;          // ascending
    std::vector<std::string> builds;    // "1.0=py311_0", where there are at most two
    std::size_t build_count = 0;
    bool has_builds = true;  // false: a version is all there is to tell of a package

    [[nodiscard]] bool empty() const { return build_count == 0; }
    // "numpy 1.26.0=py311_0", "numpy 1.25.0, 1.26.0 (7 builds)", "numpy 1.17.0 to 1.19.5, 1.26.4 (87 builds)".
    [[nodiscard]] std::string to_string() const;
    // {"package", "versions", "ranges", "builds"}; the ranges are version specs (">=1.17.0,<=1.19.5").
    [[nodiscard]] Json to_json() const;
};

// A pin as an explanation speaks of it.
struct ToldPin {
    std::string spec, origin;  // "numpy <2", "/home/me/.condarc"; nobody's: ""
    // "the pin 'numpy <2' (/home/me/.condarc)", "the constraint 'numpy <2'".
    [[nodiscard]] std::string to_string() const;
};

// A line of the tree, with what it is because of below it. Which members say something follows from the relation.
struct Explanation {
    enum class Relation : std::uint8_t {
        Asked,        // `spec` stands in the request
        Needed,       // `packages.name` must be there, though nobody asked for it by name
        Case,         // one of the ways to go: with `packages`
        Needs,        // `packages` need `spec`, of which nothing is left
        OnlyBeside,   // `packages` constrain a name that must be there to `spec`, of which nothing is left
        DoesNotFit,   // `packages` do not fit `spec`, which is asked, or comes from `by`
        Excluded,     // `packages` are out, whatever else is chosen: `code`
        Missing,      // nothing provides what the line above names: `code`, and `reason` in words
        Available,    // `packages` would do, but do not fit the line above
        Further,      // `count` more like those before are not told
        SeeAbove,     // why has been told before
        TooDeep,      // why is not told: the tree is deep already
        NotTogether,  // what the line above needs has no answer, and no single step shows it
        NotThisCase,  // `packages` belong to another of the ways to go
    };
    Relation relation = Relation::Asked;
    PackageGroup packages;
    std::string spec;
    std::string code;           // of Excluded and Missing: a word that stays what it is
    std::string reason;         // of Missing, and of Excluded where it is "broken"
    std::vector<ToldPin> pins;  // of Excluded where it is "constraint"
    PackageGroup by;  // of DoesNotFit: what needs or constrains the name so; none where the request itself does
    bool by_constraint = false;
    std::vector<std::string> through;  // of DoesNotFit: the names from what is asked to `by`, without `by`
    std::size_t count = 0;             // of Further
    std::vector<Explanation> children;

    [[nodiscard]] std::string line() const;
    // {"relation", "text", "children"} and what the relation has of "package", "versions", "ranges", "builds", "spec",
    // "code", "by".
    [[nodiscard]] Json to_json() const;
};

struct Unsatisfiable {
    std::vector<std::string> specs;    // the fewest of the request that cannot be had together
    std::vector<ToldPin> constraints;  // with these pins
    std::vector<std::string> options;  // and these options: "--gpu"
    std::vector<Explanation> tree;
    std::vector<std::string> advice;

    // "'a' and 'b' cannot be had together".
    [[nodiscard]] std::string summary() const;
    // The summary, and below it the tree with ├─ and └─, a line each.
    [[nodiscard]] std::string to_string() const;
    // {"summary", "specs", "constraints", "origins", "options", "tree", "advice"}.
    [[nodiscard]] Json to_json() const;
    // Error(Unsatisfiable): to_string() is its message, the advice its hint and to_json() its details.
    [[nodiscard]] Error to_error() const;
};

}  // namespace envbuild::solve
