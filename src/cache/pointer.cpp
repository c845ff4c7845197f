#include "cache/pointer.hpp"

#include <fmt/format.h>

#include "oci/image_index.hpp"

namespace envbuild::cache {

namespace {

std::unexpected<Error> refuse(std::string reason) {
    return fail(ErrorKind::Corrupt, std::move(reason));
}

// The hash under `key`, or nothing where it is absent or no hash.
std::optional<Digest> hash_of(const oci::Annotations& annotations, std::string_view key) {
    const auto found = annotations.find(std::string(key));
    if (found == annotations.end()) return std::nullopt;
    const auto digest = Digest::from_hex(found->second);
    return digest ? std::optional(*digest) : std::nullopt;
}

}  // namespace

std::string spec_tag(const Digest& spec_hash) {
    return "spec-" + spec_hash.hex();
}
std::string lock_tag(const Digest& lock_hash) {
    return "lock-" + lock_hash.hex();
}

std::string Pointer::to_bytes() const {
    oci::ImageIndex index;
    index.manifests = {image};
    index.annotations = {{std::string(kSpecHashAnnotation), spec_hash.hex()},
                         {std::string(kLockHashAnnotation), lock_hash.hex()}};
    return index.to_bytes();
}

Expected<Pointer> Pointer::parse(std::string_view media_type, std::string_view bytes, const Digest& asked) {
    if (media_type != oci::media_type::kIndex)
        return refuse(fmt::format("its type is {}, not an OCI index", media_type));
    const auto index = oci::ImageIndex::parse(bytes);
    if (!index) return refuse(index.error().message());
    const auto spec = hash_of(index->annotations, kSpecHashAnnotation);
    if (!spec) return refuse(fmt::format("it has no annotation {}", kSpecHashAnnotation));
    if (*spec != asked) return refuse(fmt::format("it is annotated with another hash, {}", spec->hex()));
    const auto lock = hash_of(index->annotations, kLockHashAnnotation);
    if (!lock) return refuse(fmt::format("it has no annotation {}", kLockHashAnnotation));
    if (index->manifests.size() != 1)
        return refuse(fmt::format("it names {} manifests instead of one", index->manifests.size()));
    if (!oci::is_manifest_type(index->manifests[0].media_type)) {
        return refuse(fmt::format("it names content of the type {}, not an image", index->manifests[0].media_type));
    }
    return Pointer{*spec, *lock, index->manifests[0]};
}

}  // namespace envbuild::cache
