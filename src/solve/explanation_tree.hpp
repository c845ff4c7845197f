// The tree of an explanation, out of a problem that has no answer: for conda's half and pip's alike. Internal to
// solve/.
#pragma once

#include <vector>

#include "solve/problem.hpp"
#include "solve/unsatisfiable.hpp"

namespace envbuild::solve {

// What a problem's integers stand for.
class ExplanationWords {
  public:
    virtual ~ExplanationWords() = default;
    // Packages of one name.
    [[nodiscard]] virtual PackageGroup packages(const std::vector<int>& packages) = 0;
    [[nodiscard]] virtual std::string spec(int set) = 0;
    // Why no package at all is in the set.
    [[nodiscard]] virtual Explanation missing(int set) = 0;
    // Fills in the code, and what it calls for, of packages that were out from the start for one reason.
    virtual void say_excluded(const std::vector<int>& packages, Explanation& told) = 0;
};

// From what is asked over what is needed to what that conflicts with.
[[nodiscard]] std::vector<Explanation> explanation_tree(const Problem& problem, ExplanationWords& words);

}  // namespace envbuild::solve
