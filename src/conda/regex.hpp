// Regular expressions of MatchSpecs, matched in bounded time whatever the pattern. Internal to conda/.
#pragma once

#include <memory>
#include <string_view>

#include "base/error.hpp"

namespace envbuild::conda {

// What Python's re and ECMAScript have in common: literals, ".", classes, \d \w \s \b and their opposites, groups,
// alternation, "*", "+", "?", "{m,n}" (lazy ones too: only whether it matches is asked), "^", "$" and look-ahead. Over
// bytes. A text and a place in the pattern are tried together once at most, so that no pattern takes longer than the
// product of their lengths; with look-ahead, times the text's. Immutable, thread-safe to use.
class Regex {
  public:
    // InvalidInput, with the reason, for what is no regular expression, for back references and look-behind, and for a
    // pattern that is longer than 512 characters or repeats itself into more than 4096 steps.
    [[nodiscard]] static Expected<Regex> parse(std::string_view pattern);
    // Python's re.match: anchored at the start alone. A text over 1024 characters does not match.
    [[nodiscard]] bool matches_start_of(std::string_view text) const;

    struct Program;

  private:
    explicit Regex(std::shared_ptr<const Program> program) : program_(std::move(program)) {}
    std::shared_ptr<const Program> program_;
};

}  // namespace envbuild::conda
