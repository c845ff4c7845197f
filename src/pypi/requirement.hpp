// One requirement as the resolver weighs it: what Requires-Dist holds, or a line of a requirements file by name or URL.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/url.hpp"
#include "pypi/marker.hpp"
#include "pypi/requirement_line.hpp"
#include "pypi/specifier.hpp"

namespace envbuild::pypi {

// Immutable once parsed: RequirementLine with its texts read. The grammar is RequirementLine's.
struct Requirement {
    std::string name;                 // normalised (PEP 503)
    std::vector<std::string> extras;  // normalised, sorted, unique
    SpecifierSet specifier;
    Marker marker;
    std::optional<Url> url;  // "name @ URL": this file or repository and no other

    // PEP 508. InvalidInput; the hint shows the place.
    [[nodiscard]] static Expected<Requirement> parse(std::string_view text);
    // Of a Named, DirectUrl or Vcs line that says its name; InvalidInput for others.
    [[nodiscard]] static Expected<Requirement> from_line(const RequirementLine& line);

    [[nodiscard]] std::string to_string() const;  // PEP 508, in RequirementLine's canonical spelling
};

}  // namespace envbuild::pypi
