// The base image of a build, resolved: from a name to a digest, its config, its layers, and the facts in them.
#pragma once

#include "build/workbench.hpp"
#include "cache/image_repository.hpp"
#include "conda/platform.hpp"
#include "layer/image_files.hpp"
#include "oci/reference.hpp"

namespace envbuild::build {

struct ResolvedBase {
    oci::Reference name;     // canonical, as asked or from the catalogue: "docker.io/nvidia/cuda:11.8.0-…"
    oci::Repository source;  // where it was found: the origin, or a mirror of it
    cache::Image image;      // the platform's manifest and config
    layer::BaseFacts facts;

    // What an engine pulls: the source's repository by digest.
    [[nodiscard]] std::string pull_reference() const {
        return oci::Reference(source).with_digest(image.descriptor.digest).to_string();
    }
};

// Where `name` may be asked for: the settings' mirrors in turn, then the registry itself.
[[nodiscard]] std::vector<oci::Repository> image_sources(const oci::Repository& name, const Settings& settings);

// Asks mirrors, then the registry. Layers are streamed once to be looked into; the facts are cached by the manifest's
// digest. Throws Error: NotFound with the places asked, Unauthorized, Transient, Corrupt; InvalidInput for a base
// without glibc.
[[nodiscard]] ResolvedBase resolve_base(std::string_view name, const conda::Platform& platform, const Workbench& bench);

}  // namespace envbuild::build
