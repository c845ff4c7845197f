// Core metadata of a distribution: METADATA of a wheel, PKG-INFO of a source archive (PyPA "Core metadata
// specifications" 1.0 to 2.x; PEP 566, 643 and 685).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "pypi/pep440.hpp"
#include "pypi/requirement.hpp"
#include "pypi/specifier.hpp"

namespace envbuild::pypi {

// What the resolver needs of it. Immutable once parsed.
struct CoreMetadata {
    std::string metadata_version;  // "2.1"
    std::string name;              // normalised
    Pep440Version version;
    std::string version_text;                      // as written
    std::vector<Requirement> requires_dist;        // in the order written
    std::vector<std::string> requires_dist_texts;  // the same, as written
    std::optional<SpecifierSet> requires_python;
    std::vector<std::string> provides_extra;  // normalised, in the order written
    std::vector<std::string> dynamic;         // names of fields, in lower case (PEP 643)
    std::vector<std::string> warnings;        // what was passed over: a Requires-Python that pip would pass over too

    // Of a file with header fields in the form of e-mail: folded lines are joined, what stands behind the first empty
    // line is not read. `what` names the file in messages. Corrupt, with the line, for metadata without a name or a
    // version, of a later major version, or with a Requires-Dist that is no requirement.
    [[nodiscard]] static Expected<CoreMetadata> parse(std::string_view text, std::string_view what);

    // Of a source archive: whether what is built from it will have these requirements (PEP 643), so that nothing need
    // be built to know them.
    [[nodiscard]] bool has_known_requirements() const;
};

}  // namespace envbuild::pypi
