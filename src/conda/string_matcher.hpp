// What a MatchSpec asks of a text field: conda.models.match_spec.GlobStrMatch.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace envbuild::conda {

// An exact value, a glob ("*cuda*": '*' alone is special) or a regular expression ("^py3.*$", conda/regex.hpp,
// anchored at the start). Case counts, as in conda: names and licences are made lower case by the caller. Immutable,
// thread-safe to read.
class StringMatcher {
  public:
    StringMatcher() = default;  // any
    // InvalidInput for a regular expression that does not compile or is longer than 512 characters. "*" is any.
    [[nodiscard]] static Expected<StringMatcher> parse(std::string_view text);
    [[nodiscard]] bool matches(std::string_view value) const;
    [[nodiscard]] bool is_any() const { return !state_; }
    [[nodiscard]] bool is_exact() const;
    [[nodiscard]] const std::string& to_string() const;  // "*" for any

    struct State;

  private:
    std::shared_ptr<const State> state_;
};

}  // namespace envbuild::conda
