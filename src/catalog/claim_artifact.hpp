// ClaimArtifact: a claim as an OCI artifact (image-spec v1.1, manifest.md, "Guidelines for Artifact Usage"): an image
// manifest whose config blob is the claim's JSON. The same bytes stand in an annotation, so that one GET answers.
// docs/names.md.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "catalog/claim.hpp"
#include "oci/descriptor.hpp"
#include "oci/manifest.hpp"

namespace envbuild::catalog {

// artifactType of the manifest and mediaType of its config.
inline constexpr std::string_view kClaimMediaType = "application/vnd.envbuild.claim.v1+json";
// The layer of a registration: pack_definition's archive.
inline constexpr std::string_view kDefinitionMediaType = "application/vnd.envbuild.definition.v1.tar";
// The layer of any other claim (image-spec, "the empty descriptor").
inline constexpr std::string_view kEmptyMediaType = "application/vnd.oci.empty.v1+json";
inline constexpr std::string_view kEmptyBytes = "{}";
inline constexpr std::string_view kClaimAnnotation = "dev.envbuild.claim";
inline constexpr std::string_view kNameAnnotation = "dev.envbuild.name";

struct ClaimArtifact {
    Claim claim;  // `id` is the digest of manifest_bytes()
    std::string config_bytes;
    oci::Manifest manifest;

    // `archive` is what claim.content names; given for Register only. The claim's `id` is filled in. InvalidInput for a
    // claim that no reader would take.
    [[nodiscard]] static Expected<ClaimArtifact> make(Claim claim, const std::optional<oci::Descriptor>& archive);
    // Corrupt, with the reason, where this is none of ours or its parts contradict each other.
    [[nodiscard]] static Expected<ClaimArtifact> parse(std::string_view manifest_bytes);

    [[nodiscard]] std::string manifest_bytes() const { return manifest.to_bytes(); }
    [[nodiscard]] std::string tag() const { return claim_tag(claim.name, claim.id); }
    // Of a registration's archive. Bug for another kind.
    [[nodiscard]] const oci::Descriptor& archive() const;
};

}  // namespace envbuild::catalog
