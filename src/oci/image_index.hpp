// ImageIndex (OCI image-spec v1.1, image-index.md; also Docker's manifest list): manifests by platform, or envbuild's
// pointers.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "oci/descriptor.hpp"
#include "oci/manifest.hpp"

namespace envbuild::oci {

struct ImageIndex {
    std::string media_type{media_type::kIndex};
    std::vector<Descriptor> manifests;
    Annotations annotations;
    std::string artifact_type;

    // Corrupt: not JSON, over kManifestLimit, not of this type, or a member that is missing or of the wrong type.
    [[nodiscard]] static Expected<ImageIndex> parse(std::string_view bytes);
    [[nodiscard]] Json to_json() const;
    [[nodiscard]] std::string to_bytes() const { return to_json().dump(); }

    // The image manifest for a platform: same os and architecture, the variant too where both name one. Entries that
    // are not images (attestations: platform unknown/unknown) never match. An only entry without a platform matches
    // anything. Null where none does.
    [[nodiscard]] const Descriptor* find(const OciPlatform& platform) const;

    bool operator==(const ImageIndex&) const = default;
};

}  // namespace envbuild::oci
