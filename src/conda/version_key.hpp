// How a version becomes bytes that sort as conda sorts versions, and how those bytes are read for prefixes. Internal to
// conda/.
//
// A version is a list of components (the epoch first), a component a list of atoms: letters < numbers < "post". What is
// missing counts as the number 0, so trailing zeros are dropped, and a zero that stays says by its tag whether what
// follows it is below or above zero: only so do plain bytes compare rightly with a version that has already ended.
//   letters    0x10, their bytes ("dev" as "DEV", which sorts first), 0x01
//   zero       0x20 where the next other atom of the component is letters, 0x40 where it is above zero
//   end        of a component: 0x30, 0x31 or 0x32 as the first component behind it that is not zero is below zero, does
//              not exist, or is above it; 0x31 ends the list
//   number     0x50 + n, n bytes big-endian (up to 2^64-1); 0x60, length (4 bytes), decimal digits (beyond)
//   post       0x7f
// The key is the list of the version and then that of its local part ("1.0+local").
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace envbuild::conda {

class Version;

// One run of digits or of other characters.
struct VersionAtom {
    enum class Kind : std::uint8_t { Letters, Number, Post };
    Kind kind = Kind::Number;
    bool ends_component = false;
    std::string text;  // letters, or digits without leading zeros ("" for zero)
};

// The atoms of a version as conda splits it; `local` is empty where there is no "+".
struct VersionAtoms {
    std::vector<VersionAtom> release, local;
};

// VersionOrder's first step: lower case, and "-" as "_" where there is no "_". Nothing where a character is left that
// no version has.
[[nodiscard]] std::optional<std::string> normalize_version(std::string_view text);
// InvalidInput for what conda refuses. The text is trimmed already.
[[nodiscard]] Expected<VersionAtoms> split_version(std::string_view text);
[[nodiscard]] std::string version_key(const VersionAtoms& atoms);

// A prefix as in "1.2.*", made once and matched often. Immutable.
class VersionPrefix {
  public:
    explicit VersionPrefix(const Version& prefix);
    [[nodiscard]] bool matches(const Version& version) const;

  private:
    struct Wanted {
        VersionAtom atom;
        std::string encoded;  // of a number that is not zero
    };
    std::vector<Wanted> wanted_;  // of the local part where there is one
    std::string release_key_;     // only then
};

}  // namespace envbuild::conda
