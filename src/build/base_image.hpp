// The base image of a build, resolved: from a name to a digest, its config, its layers, and the facts in them.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "build/workbench.hpp"
#include "cache/image_repository.hpp"
#include "conda/platform.hpp"
#include "layer/image_files.hpp"
#include "oci/reference.hpp"

namespace envbuild::build {

struct ResolvedBase {
    oci::Reference name;  // canonical, as asked or from the catalogue: "docker.io/nvidia/cuda:11.8.0-…"
    // Where it was found: the origin, a mirror of it, or the team's own repository; it holds the blobs.
    std::shared_ptr<cache::ImageRepository> repository;
    std::optional<oci::Repository> origin;  // the same, where it is a registry's
    std::string engine_tag;                 // under which an engine may have it already, of an own Dockerfile's image
    cache::Image image;                     // the platform's manifest and config
    layer::BaseFacts facts;

    // What an engine is told: the origin's repository by digest; the engine's tag of what lies in no registry.
    [[nodiscard]] std::string pull_reference() const {
        return origin ? oci::Reference(*origin).with_digest(image.descriptor.digest).to_string() : engine_tag;
    }
};

// Whether the layers are looked into: conda's packages need to know the C library, an image taken as it is need not.
enum class Look : std::uint8_t { Into, Not };

// Where `name` may be asked for: the settings' mirrors in turn, then the registry itself.
[[nodiscard]] std::vector<oci::Repository> image_sources(const oci::Repository& name, const Settings& settings);

// Asks mirrors, then the registry (cache::find_image). Layers are streamed once to be looked into; the facts are cached
// by the manifest's digest. Throws Error: NotFound with the places asked, Unauthorized, Transient, Corrupt;
// InvalidInput for a base without glibc.
[[nodiscard]] ResolvedBase resolve_base(std::string_view name, const conda::Platform& platform, const Workbench& bench,
                                        Look look = Look::Into);

// Fills in `base.facts`. Throws as resolve_base does.
void look_into(ResolvedBase& base, const Workbench& bench);

}  // namespace envbuild::build
