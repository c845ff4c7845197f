// lookup(): the question that every run begins with. Three answers, never mixed up (design, section 3).
#pragma once

#include <optional>
#include <string>
#include <variant>

#include "base/digest.hpp"
#include "base/error.hpp"
#include "cache/image_repository.hpp"
#include "oci/descriptor.hpp"

namespace envbuild::cache {

struct Hit {
    std::string image;  // "repository@sha256:…"
    Digest lock_hash;
    oci::Descriptor descriptor;  // of the image's manifest; its annotations are the manifest's
};

// Not there, or there is something that may not be taken for it: `warning` then says what and why; a build replaces it.
struct Miss {
    std::string warning;
};

// The repository could not be asked, or did not answer as one.
struct Unknown {
    Error error;
};

using LookupResult = std::variant<Hit, Miss, Unknown>;

enum class Check : std::uint8_t {
    Usual,  // the pointer; in the embedded store also that each blob is there with its size (it costs no round trip)
    EveryBlob,  // the image's manifest and each of its blobs, asked for one by one; in the embedded store each is read
                // and hashed, and one that is damaged is removed, so that the next build makes it again
};

// By intent: one round trip to a registry (Check::Usual). Throws nothing but Cancelled and Bug.
[[nodiscard]] LookupResult lookup(const ImageRepository& repository, const Digest& spec_hash,
                                  Check check = Check::Usual);
// By resolution: the tag lock-<LockHash>, taken only where the manifest's annotation carries the asked hash.
[[nodiscard]] LookupResult lookup_lock(const ImageRepository& repository, const Digest& lock_hash,
                                       Check check = Check::Usual);

// What of the image is absent; empty when all is there. Throws what the repository throws, NotFound without the
// manifest.
[[nodiscard]] std::vector<oci::Descriptor> missing_blobs(const ImageRepository& repository,
                                                         const oci::Descriptor& manifest);

}  // namespace envbuild::cache
