// What a regular expression is compiled to. Internal to conda/.
#pragma once

#include <bitset>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "conda/regex.hpp"

namespace envbuild::conda {

struct RegexStep {
    enum class Kind : std::uint8_t {
        Byte,             // one of `bytes`, then `next`
        Split,            // `next` or `other`
        Begin,            // at the text's beginning, then `next`
        End,              // at its end
        WordBoundary,     // between \w and \W
        NotWordBoundary,  // elsewhere
        LookAhead,        // what begins at `other` matches here, then `next`
        NotLookAhead,     // it does not
        Match,
    };
    Kind kind = Kind::Match;
    std::uint32_t next = 0, other = 0;
    std::bitset<256> bytes;
};

struct Regex::Program {
    std::vector<RegexStep> steps;
    std::uint32_t begin = 0;
};

[[nodiscard]] Expected<Regex::Program> compile_regex(std::string_view pattern);

}  // namespace envbuild::conda
