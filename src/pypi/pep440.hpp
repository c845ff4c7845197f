// Python versions (PEP 440, as packaging.python.org's "Version specifiers" specification has it).
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
    [[nodiscard]] bool is_postrelease() const { return post_.has_value(); }
    [[nodiscard]] bool has_local() const { return !local_.empty(); }
    [[nodiscard]] std::string local() const;             // "cu118" of "2.1.0+cu118"; "" where there is none
    [[nodiscard]] Pep440Version public_version() const;  // without the local part

    // PEP 440's order; "1.0" and "1.0.0" are equal.
    std::weak_ordering operator<=>(const Pep440Version& other) const;
    bool operator==(const Pep440Version& other) const { return (*this <=> other) == 0; }
    // The order of the public versions: local parts do not count.
    [[nodiscard]] std::weak_ordering compare_public(const Pep440Version& other) const;

  private:
    friend class SpecifierSet;
    // Same epoch, and the first `count` release numbers of `prefix` (zeros added as needed).
    [[nodiscard]] bool has_release_prefix(const Pep440Version& prefix, std::size_t count) const;
    // This version is a post-release of `base`, which is none.
    [[nodiscard]] bool is_postrelease_of(const Pep440Version& base) const;

    std::string epoch_ = "0";
    std::vector<std::string> release_;
    std::string pre_letter_, pre_number_;  // "a", "b", "rc"
    std::optional<std::string> post_, dev_;
    std::vector<std::string> local_;
};

}  // namespace envbuild::pypi
