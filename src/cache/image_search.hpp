// Finding an image that may lie at mirrors of its registry: base images. docs/formats.md, "Mirrors of registries".
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cache/image_repository.hpp"

namespace envbuild::cache {

// Where `name` may be asked for: its registry's mirrors in turn, then the registry itself. How each is spoken to is
// decided by its host, for all that is done there (registry::reach). InvalidInput for a mirror that is not written as
// one.
[[nodiscard]] std::vector<oci::Repository> image_sources(
    const oci::Repository& name, const std::map<std::string, std::vector<std::string>>& mirrors);

struct FoundImage {
    std::shared_ptr<ImageRepository> repository;  // borrows the context
    oci::Repository source;                       // the same, as a name
    Image image;
};

// The image at the first place that has it. `use` gets it and may read its blobs there. A mirror that fails, in
// answering or in `use`, be it that it is down, refuses, or has wrong or incomplete content, is passed over with one
// warning a run; that it lacks the image is no answer. Throws Error: NotFound with the places asked, otherwise the
// first failure among them; and what `use` throws of the image itself (InvalidInput), wherever it was found.
void find_image(registry::RegistryContext& context, const oci::Reference& reference, const oci::OciPlatform& platform,
                const std::function<void(FoundImage)>& use);

}  // namespace envbuild::cache
