// `envbuild curated publish`: the curated set under its reserved names in a team's repository (docs/curated.md).
#pragma once

#include <string>
#include <vector>

#include "build/workbench.hpp"
#include "catalog/curated_set.hpp"

namespace envbuild::build {

struct PublishedVersion {
    std::string name, version, spec_hash;
    bool is_new = true;  // false: it was there
};

// Registers every version that is wanted and not there in `repository`, oldest first, with its status and note as tags.
// `names` as in CuratedSelection. Throws Error: the first fault of what is wanted and InvalidInput for a name without a
// reserved prefix, before anything is written; InvalidInput where a version is there with another content (the set's
// versions never change); what the repository throws. What was registered until then stays: running it again goes on
// from there.
[[nodiscard]] std::vector<PublishedVersion> publish_curated(const catalog::CuratedSet& set,
                                                            const std::vector<std::string>& names,
                                                            cache::ImageRepository& repository, const Workbench& bench);

}  // namespace envbuild::build
