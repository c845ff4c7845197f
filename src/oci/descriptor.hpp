// Descriptor (OCI image-spec v1.1, descriptor.md): what content is, how large, and its digest.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/digest.hpp"
#include "base/json.hpp"

namespace envbuild::oci {

namespace media_type {
inline constexpr std::string_view kManifest = "application/vnd.oci.image.manifest.v1+json";
inline constexpr std::string_view kIndex = "application/vnd.oci.image.index.v1+json";
inline constexpr std::string_view kConfig = "application/vnd.oci.image.config.v1+json";
inline constexpr std::string_view kLayer = "application/vnd.oci.image.layer.v1.tar";
inline constexpr std::string_view kLayerGzip = "application/vnd.oci.image.layer.v1.tar+gzip";
inline constexpr std::string_view kLayerZstd = "application/vnd.oci.image.layer.v1.tar+zstd";
inline constexpr std::string_view kDockerManifest = "application/vnd.docker.distribution.manifest.v2+json";
inline constexpr std::string_view kDockerList = "application/vnd.docker.distribution.manifest.list.v2+json";
inline constexpr std::string_view kDockerConfig = "application/vnd.docker.container.image.v1+json";
inline constexpr std::string_view kDockerLayerGzip = "application/vnd.docker.image.rootfs.diff.tar.gzip";
}  // namespace media_type

using Annotations = std::map<std::string, std::string>;

struct OciPlatform {
    std::string os = "linux", architecture = "amd64", variant;
    auto operator<=>(const OciPlatform&) const = default;
};

struct Descriptor {
    std::string media_type;
    Digest digest;
    std::uint64_t size = 0;
    Annotations annotations;
    std::optional<OciPlatform> platform;
    std::string artifact_type;

    [[nodiscard]] static Expected<Descriptor> from_json(const Json& json);  // Corrupt
    [[nodiscard]] Json to_json() const;
    bool operator==(const Descriptor&) const = default;
};

}  // namespace envbuild::oci
