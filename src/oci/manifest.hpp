// Manifest (OCI image-spec v1.1, manifest.md; also Docker's manifest v2 schema 2, which has the same shape).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "oci/descriptor.hpp"

namespace envbuild::oci {

// Registries take no larger ones (distribution-spec: "at least 4 MiB"); what is larger is refused before it is parsed.
inline constexpr std::uint64_t kManifestLimit = 4ULL << 20;

// A manifest or an index with its very own bytes, which match the descriptor's digest.
struct RawManifest {
    Descriptor descriptor;
    std::string bytes;
};

struct Manifest {
    std::string media_type{media_type::kManifest};
    Descriptor config;
    std::vector<Descriptor> layers;  // base first
    Annotations annotations;
    std::string artifact_type;
    std::optional<Descriptor> subject;

    // Corrupt: not JSON, over kManifestLimit, not of this type, or a member that is missing or of the wrong type.
    [[nodiscard]] static Expected<Manifest> parse(std::string_view bytes);
    [[nodiscard]] Json to_json() const;
    // The bytes that are pushed and hashed: deterministic, members in the image-spec's order.
    [[nodiscard]] std::string to_bytes() const { return to_json().dump(); }
    // Config and layers, each digest once, in the order in which they are to be uploaded (layers, then config).
    [[nodiscard]] std::vector<Descriptor> blobs() const;

    bool operator==(const Manifest&) const = default;
};

[[nodiscard]] bool is_manifest_type(std::string_view media_type);  // OCI manifest or Docker schema 2
[[nodiscard]] bool is_index_type(std::string_view media_type);     // OCI index or Docker manifest list

// The descriptor that names `bytes`.
[[nodiscard]] Descriptor describe(std::string_view media_type, std::string_view bytes);

}  // namespace envbuild::oci
