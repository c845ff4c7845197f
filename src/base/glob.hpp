// Globs over plain texts: names, versions. Paths have rules of their own (spec/ignore_rules.hpp,
// spec/context_ignore.hpp).
#pragma once

#include <cstdint>
#include <string_view>

namespace envbuild {

enum class GlobSigns : std::uint8_t {
    Star,        // '*' stands for any text
    StarAndOne,  // '?' for one byte too
};

// Everything else stands for itself. Time is linear in practice and at worst the product of the lengths.
[[nodiscard]] bool glob_matches(std::string_view pattern, std::string_view text, GlobSigns signs = GlobSigns::Star);

}  // namespace envbuild
