#include "catalog/claim_artifact.hpp"

#include <fmt/format.h>

namespace envbuild::catalog {

namespace {

// Small beside what registries take as a manifest (4 MiB), and far more than a claim needs.
constexpr std::size_t kClaimLimit = 256 << 10;

std::unexpected<Error> refuse(std::string reason) {
    return fail(ErrorKind::Corrupt, std::move(reason));
}

Expected<void> check_layers(const Claim& claim, const oci::Manifest& manifest) {
    if (claim.kind != ClaimKind::Register) return {};
    if (manifest.layers.size() != 1 || manifest.layers[0].media_type != kDefinitionMediaType)
        return refuse("a registration that has no archive");
    if (manifest.layers[0].digest != claim.content) return refuse("a registration of another content than its archive");
    return {};
}

}  // namespace

Expected<ClaimArtifact> ClaimArtifact::make(Claim claim, const std::optional<oci::Descriptor>& archive) {
    if (archive.has_value() != (claim.kind == ClaimKind::Register))
        return fail(ErrorKind::Bug, "a claim has an archive exactly where it registers");
    if (archive) claim.content = archive->digest;
    ClaimArtifact artifact;
    artifact.config_bytes = claim.to_json().canonical();
    if (artifact.config_bytes.size() > kClaimLimit)
        return fail(ErrorKind::InvalidInput, fmt::format("description, tags and facts of '{}' are over {} KiB together",
                                                         claim.name, kClaimLimit >> 10));
    if (const auto readable = Claim::parse(value_or_throw(Json::parse(artifact.config_bytes))); !readable)
        return fail(ErrorKind::InvalidInput, readable.error().message());
    artifact.manifest.artifact_type = kClaimMediaType;
    artifact.manifest.config = oci::describe(kClaimMediaType, artifact.config_bytes);
    if (archive) {
        artifact.manifest.layers = {*archive};
        artifact.manifest.layers[0].media_type = kDefinitionMediaType;
    } else {
        // What the image-spec asks of an artifact without content: some registries refuse an empty list.
        artifact.manifest.layers = {oci::describe(kEmptyMediaType, kEmptyBytes)};
    }
    artifact.manifest.annotations = {{std::string(kClaimAnnotation), artifact.config_bytes},
                                     {std::string(kNameAnnotation), claim.name}};
    claim.id = sha256(artifact.manifest.to_bytes());
    artifact.claim = std::move(claim);
    return artifact;
}

Expected<ClaimArtifact> ClaimArtifact::parse(std::string_view manifest_bytes) {
    auto manifest = oci::Manifest::parse(manifest_bytes);
    if (!manifest) return std::unexpected(manifest.error());
    if (manifest->config.media_type != kClaimMediaType)
        return refuse(fmt::format("its config is {}, no claim", manifest->config.media_type));
    const auto text = manifest->annotations.find(std::string(kClaimAnnotation));
    if (text == manifest->annotations.end()) return refuse(fmt::format("it has no annotation {}", kClaimAnnotation));
    if (text->second.size() > kClaimLimit) return refuse("its claim is too long");
    if (sha256(text->second) != manifest->config.digest)
        return refuse(fmt::format("its annotation {} is not its config", kClaimAnnotation));
    const auto json = Json::parse(text->second);
    if (!json) return std::unexpected(json.error());
    auto claim = Claim::parse(*json);
    if (!claim) return std::unexpected(claim.error());
    if (const auto layers = check_layers(*claim, *manifest); !layers) return std::unexpected(layers.error());
    claim->id = sha256(manifest_bytes);
    return ClaimArtifact{std::move(*claim), text->second, std::move(*manifest)};
}

const oci::Descriptor& ClaimArtifact::archive() const {
    if (claim.kind != ClaimKind::Register) throw Error(ErrorKind::Bug, "only a registration has an archive");
    return manifest.layers[0];
}

}  // namespace envbuild::catalog
