// Python versions and version specifiers (PEP 440, as packaging.org's "Version specifiers" specification has it).
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace envbuild::pypi {

// An immutable version. Numbers may have any length: they are kept as digits without leading zeros.
class Pep440Version {
  public:
    // InvalidInput for what PEP 440 refuses. All its normalisations are taken ("1.0-ALPHA1", "v1.0", "1.0-1").
    [[nodiscard]] static Expected<Pep440Version> parse(std::string_view text);

    [[nodiscard]] std::string to_string() const;  // normalised: "1!2.0a1.post2.dev3+local.1"
    [[nodiscard]] const std::vector<std::string>& release() const { return release_; }
    [[nodiscard]] bool is_prerelease() const { return !pre_letter_.empty() || dev_.has_value(); }
    [[nodiscard]] bool has_local() const { return !local_.empty(); }

    // PEP 440's order; "1.0" and "1.0.0" are equal.
    std::weak_ordering operator<=>(const Pep440Version& other) const;
    bool operator==(const Pep440Version& other) const { return (*this <=> other) == 0; }

  private:
    friend class Specifier;
    std::string epoch_ = "0";
    std::vector<std::string> release_;
    std::string pre_letter_, pre_number_;  // "a", "b", "rc"
    std::optional<std::string> post_, dev_;
    std::vector<std::string> local_;
};

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

  private:
    std::vector<Clause> clauses_;
};

}  // namespace envbuild::pypi
