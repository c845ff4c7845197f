// conda's version order: conda.models.version.VersionOrder (CEP 33's grammar).
#pragma once

#include <compare>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace envbuild::conda {

// An immutable parsed version. Comparison follows VersionOrder (epoch, then components; "dev" < letters < "" < digits <
// "post"); text that differs may compare equal ("1.0" and "1.0.0", "1.0" and "1.0+0"). The default one is less than
// every other.
class Version {
  public:
    Version() = default;
    // InvalidInput for what conda refuses ("", "1..2", "1!2!3", illegal characters…).
    [[nodiscard]] static Expected<Version> parse(std::string_view text);

    [[nodiscard]] const std::string& to_string() const { return text_; }  // as written, trimmed
    // conda's norm_version: lower case, and "-" as "_" where conda reads it so.
    [[nodiscard]] std::string normalized() const;
    // Bytes whose order (memcmp) is the order of versions; equal bytes mean equal versions. Good as a hash or map key.
    // Layout: version_key.hpp.
    [[nodiscard]] const std::string& sort_key() const { return key_; }
    // conda's `startswith`: whether this version lies under the prefix as in "1.2.*" (1.2.3 and 1.2a do for 1.2).
    // VersionPrefix does the same faster where one prefix meets many versions.
    [[nodiscard]] bool starts_with(const Version& prefix) const;

    std::weak_ordering operator<=>(const Version& other) const { return key_.compare(other.key_) <=> 0; }
    bool operator==(const Version& other) const { return key_ == other.key_; }

  private:
    std::string text_, key_;
};

}  // namespace envbuild::conda
