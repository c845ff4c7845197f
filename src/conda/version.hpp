// conda's version order: conda.models.version.VersionOrder, CEP 33's grammar.
#pragma once

#include <compare>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace envbuild::conda {

// An immutable parsed version. Comparison follows VersionOrder (epoch, then components; "dev" < letters < "" < digits < "post");
// text that differs may compare equal ("1.0" and "1.0.0", "1.0" and "1.0+").
class Version {
  public:
    Version() = default;
    // InvalidInput for what conda refuses ("", "1..2", "1!2!3", illegal characters…).
    [[nodiscard]] static Expected<Version> parse(std::string_view text);

    [[nodiscard]] const std::string& to_string() const { return text_; }  // as written, trimmed
    // conda's `startswith`: whether this version lies under the prefix as in "1.2.*" (1.2.3 and 1.2a do for 1.2).
    [[nodiscard]] bool starts_with(const Version& prefix) const;

    std::weak_ordering operator<=>(const Version& other) const;
    bool operator==(const Version& other) const { return (*this <=> other) == 0; }

    // Implementation detail, public for the parser's tests: runs of numerals and letters.
    struct Atom {
        std::string text;    // lower-case letters, or empty for a numeral
        std::string number;  // decimal digits without leading zeros ("0" for zero), or empty for letters
        auto operator<=>(const Atom&) const = delete;
    };
    using Component = std::vector<Atom>;

  private:
    std::string text_;
    std::string epoch_;
    std::vector<Component> release_, local_;
};

}  // namespace envbuild::conda
