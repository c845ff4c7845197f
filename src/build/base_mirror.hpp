// Copies base images into the team's registry, digest for digest, to where registry_mirrors asks for them
// (docs/base-images.md). Vendors delete old tags; what was mirrored stays.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "build/workbench.hpp"
#include "catalog/base_images.hpp"
#include "conda/platform.hpp"
#include "oci/reference.hpp"

namespace envbuild::build {

struct MirrorRequest {
    std::vector<std::string> images;  // references: "nvidia/cuda:11.8.0-base-ubuntu22.04", "…@sha256:…"
    // "registry.lab:5000/mirror", where "{registry}" stands for the image's own registry. "": the first mirror that
    // the settings name for that registry, else "<registry setting>/bases/{registry}".
    std::string to;
    // Of an index: those that are copied. What the mirror holds already of the same index stays.
    std::vector<conda::Platform> platforms{conda::Platform()};
    // The whole index, byte for byte, attestations too; so is one that is named by its digest, which would not stay.
    bool all_platforms = false;
    const catalog::BaseImageCatalog* catalog = nullptr;  // borrowed; to notice tags that moved, where there is one
};

struct MirroredImage {
    std::string image;              // as asked, in full
    std::string to;                 // "registry.lab:5000/mirror/nvidia/cuda:11.8.0-base-ubuntu22.04"
    std::string from;               // the repository that it was read from
    Digest digest;                  // what the mirror's name now stands for
    Digest source_digest;           // what the source's does; the same, but for an index of which a part was copied
    std::string moved;              // that the vendor's tag is not what the catalogue knows; "" otherwise
    std::vector<Digest> manifests;  // of the platforms, each with the digest that it has at the source
    std::uint64_t copied_bytes = 0, present_bytes = 0;
    std::uint64_t copied_blobs = 0, present_blobs = 0;
    bool changed = false;        // false: all of it was there
    std::optional<Error> error;  // this one failed; the others went on
};

struct MirrorReport {
    std::vector<MirroredImage> images;
    UrlMap settings;  // what registry_mirrors must hold for envbuild to ask there

    [[nodiscard]] Json to_json() const;
    // "registry_mirrors: {docker.io: registry.lab:5000/mirror}": for config.yaml.
    [[nodiscard]] std::string settings_line() const;
};

// Asks mirrors first, then the registry, and never the target itself. Blobs go from registry to registry without
// touching the disk, several at a time; what is there is skipped, so that a run that broke goes on where it was. The
// tag is written last, and everything is read back: a digest that differs is Corrupt. Throws InvalidInput for names
// that are none and for a target that two registries would share; Cancelled. What one image fails with is in the
// report.
[[nodiscard]] MirrorReport mirror_images(const MirrorRequest& request, const Workbench& bench);

// A line that says so where the tag stands for something else at its registry than the catalogue knows; nothing where
// it does not, or the catalogue has no digest.
[[nodiscard]] std::optional<std::string> moved_since(const catalog::BaseImageEntry& entry,
                                                     const oci::RawManifest& at_registry);

// The compressed layers of an image, in bytes: what a node downloads. Nothing where no place has it or can be asked.
[[nodiscard]] std::optional<std::uint64_t> download_size(const std::string& image, const conda::Platform& platform,
                                                         const Workbench& bench);

}  // namespace envbuild::build
