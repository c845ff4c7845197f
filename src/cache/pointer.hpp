// Pointer: from an intent to its image. An OCI index tagged `spec-<SpecHash>`, annotated with both hashes, whose single
// manifest is the image: one GET answers, and registries keep the image while the pointer is there (docs/formats.md).
#pragma once

#include <string>
#include <string_view>

#include "base/digest.hpp"
#include "base/error.hpp"
#include "oci/descriptor.hpp"

namespace envbuild::cache {

inline constexpr std::string_view kSpecHashAnnotation = "dev.envbuild.spec-hash";
inline constexpr std::string_view kLockHashAnnotation = "dev.envbuild.lock-hash";

// The hashes are plain digests here; the types SpecHash and LockHash live in folders above.
struct Pointer {
    Digest spec_hash;
    Digest lock_hash;
    oci::Descriptor image;  // of the image's manifest

    [[nodiscard]] std::string to_bytes() const;
    // Error(Corrupt) with the reason where this is no pointer, or one for another spec than `asked`: a tag alone proves
    // nothing.
    [[nodiscard]] static Expected<Pointer> parse(std::string_view media_type, std::string_view bytes,
                                                 const Digest& asked);

    bool operator==(const Pointer&) const = default;
};

[[nodiscard]] std::string spec_tag(const Digest& spec_hash);  // "spec-<64 hex>"
[[nodiscard]] std::string lock_tag(const Digest& lock_hash);  // "lock-<64 hex>"

}  // namespace envbuild::cache
