// A version expression of a MatchSpec: conda.models.version.VersionSpec.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "conda/version.hpp"

namespace envbuild::conda {

// "1.2.*", ">=1.19,<2|2.1", "~=1.4", "==1.0", "!=1.2.*", "=1.19", "^1\\.[0-9]+$", "*". ',' binds tighter than '|'.
// Immutable; copies share their tree. Thread-safe to read.
class VersionSpec {
  public:
    VersionSpec() = default;  // any
    // InvalidInput with the reason for what conda refuses, and for "~=1", which conda only refuses when it is used.
    [[nodiscard]] static Expected<VersionSpec> parse(std::string_view text);
    [[nodiscard]] bool matches(const Version& version) const;
    // One spelling for each meaning the rewrite rules of docs/hash.md know: "=1.19" -> "1.19.*", "1.19" -> "==1.19",
    // sorted and de-duplicated alternatives of '|' and conjuncts of ','; "*" for any. Parses back to a spec of the same
    // canonical form.
    [[nodiscard]] std::string canonical() const;
    [[nodiscard]] bool is_any() const { return !node_; }
    [[nodiscard]] std::optional<std::string> exact() const;  // the version of "==1.2" or "1.2", as written

    struct Node;

  private:
    std::shared_ptr<const Node> node_;  // null: any
};

}  // namespace envbuild::conda
