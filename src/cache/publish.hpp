// publish(): makes a built image the answer, in an order in which a reader never sees half of one (design, section 3).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/digest.hpp"
#include "base/reporter.hpp"
#include "cache/image_repository.hpp"
#include "cache/lookup.hpp"
#include "oci/blob.hpp"
#include "oci/descriptor.hpp"
#include "oci/image_config.hpp"
#include "oci/reference.hpp"

namespace envbuild::cache {

struct PublishLayer {
    oci::Descriptor descriptor;                      // of the compressed layer
    std::shared_ptr<const oci::BlobSource> content;  // opened only where the repository lacks it
    std::optional<oci::Repository> origin;           // of a base layer: where it may be mounted from
};

// Which of two answers stays when there is one already.
enum class MovePolicy : std::uint8_t {
    Keep,     // the existing pointer, and the image that is there for this lock, win
    Refresh,  // the pointer moves to this lock's image; an image that is there for this lock wins
    Rebuild,  // both move to this image
};

struct PublishRequest {
    Digest lock_hash;
    std::optional<Digest> spec_hash;  // none (`build --lock`): no pointer is read or written
    oci::ImageConfig config;
    std::vector<PublishLayer> layers;  // base first; as many as the config has diff_ids
    oci::Annotations annotations;      // of the manifest, beside the lock hash; what depends on the lock alone
    MovePolicy policy = MovePolicy::Keep;
    std::vector<std::string> tags;  // further tags that the user asked for, written last
    std::size_t parallel = 4;       // uploads at a time
};

struct Published {
    Hit answer;
    bool ours = true;  // false: what was there already won, and is the answer
};

// Order: blobs, config, manifest, lock tag, pointer, further tags. The lock tag and the pointer are read again just
// before they are written. Throws what the repository throws; what has been written by then names only what is whole.
[[nodiscard]] Published publish(ImageRepository& repository, const PublishRequest& request, Reporter& reporter);

// Further tags for an image that is there. Throws as publish() does.
void put_tags(ImageRepository& repository, const std::vector<std::string>& tags, const Hit& image);

// Throws InvalidInput for what cannot be a tag or is one of envbuild's own.
void check_tags(const std::vector<std::string>& tags);

// Makes the pointer of `spec_hash` name an image that is there already (found by its lock). The policy is as in
// publish().
[[nodiscard]] Published point(ImageRepository& repository, const Digest& spec_hash, const Hit& image, MovePolicy policy,
                              Reporter& reporter);

}  // namespace envbuild::cache
