// Version specifiers (PEP 440, "Version specifiers"), and which versions they take.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "pypi/pep440.hpp"

namespace envbuild::pypi {

// A set of clauses such as ">=1.0,!=1.5.*,<2". Immutable.
class SpecifierSet {
  public:
    struct Clause {
        std::string op;       // "==", "!=", "<=", ">=", "<", ">", "~=", "==="
        std::string version;  // normalised; with ".*" where it was written; as written for "==="
        auto operator<=>(const Clause&) const = default;
    };

    // InvalidInput; the message names the clause. "" is the empty set, which takes every version.
    [[nodiscard]] static Expected<SpecifierSet> parse(std::string_view text);

    [[nodiscard]] const std::vector<Clause>& clauses() const { return clauses_; }  // sorted, unique
    [[nodiscard]] std::string to_string() const;                                   // "!=1.5.*,<2,>=1.0"

    // Whether every clause takes the version, pre-releases too: whether they are wanted is for the caller to say, who
    // knows what else there is (filter(), allows_prereleases()). "===" compares the normalised spelling.
    [[nodiscard]] bool contains(const Pep440Version& version) const;
    // The same of a version as it is written, which is what "===" compares; what is no version only "===" takes.
    [[nodiscard]] bool contains(std::string_view written) const;

    // A clause other than "!=" and "==X.*" names a pre-release, which asks for pre-releases.
    [[nodiscard]] bool allows_prereleases() const;
    // The indexes of the versions that are taken, in their order. Pre-releases are among them when `prereleases` is
    // true, or it is not set and the set allows them or takes nothing else.
    [[nodiscard]] std::vector<std::size_t> filter(const std::vector<Pep440Version>& versions,
                                                  std::optional<bool> prereleases = {}) const;

    bool operator==(const SpecifierSet& other) const { return clauses_ == other.clauses_; }

  private:
    enum class Op : std::uint8_t {
        Equal,
        Prefix,
        NotEqual,
        NotPrefix,
        AtMost,
        AtLeast,
        Below,
        Above,
        Compatible,
        Text
    };
    struct Bound {
        Op op;
        std::optional<Pep440Version> version;  // nothing where a "===" names none
        std::string text;                      // of "===", in lower case
    };
    static Bound bound_of(const Clause& clause);
    static bool takes(const Bound& bound, const Pep440Version& version);

    std::vector<Clause> clauses_;
    std::vector<Bound> bounds_;  // of each clause
};

}  // namespace envbuild::pypi
