#include "cache/lookup.hpp"

#include <fmt/format.h>

#include <atomic>

#include "base/parallel.hpp"
#include "cache/pointer.hpp"

namespace envbuild::cache {

namespace {

constexpr std::size_t kQuestionsAtATime = 8;

// A registry checks what it is given; a file on this disk may have changed since. Corrupt where one has, which is then
// removed: it would be taken for what it is not, and the next build would keep it.
void read_every_blob(const ImageRepository& repository, const oci::Descriptor& image) {
    const auto raw = repository.get_manifest(image.digest.to_string());
    if (!raw) return;
    const auto blobs = value_or_throw(oci::Manifest::parse(raw->bytes)).blobs();
    parallel_for(blobs.size(), 0, [&](std::size_t i) {
        std::vector<char> buffer(1 << 16);
        try {
            const auto reader = repository.open_blob(blobs[i]);
            while (reader->read(buffer.data(), buffer.size()) > 0) {
            }
        } catch (const Error& error) {
            std::error_code ignored;
            const auto file = repository.blob_file(blobs[i]);
            if (error.kind() == ErrorKind::Corrupt && file) std::filesystem::remove(*file, ignored);
            throw;
        }
    });
}

// The miss for an image that a pointer or a tag names and that is not whole; nothing where it is.
std::optional<Miss> broken(const ImageRepository& repository, const std::string& tag, const oci::Descriptor& image,
                           Check check) {
    if (check == Check::Usual && !repository.blobs_are_local()) return std::nullopt;
    try {
        const auto missing = missing_blobs(repository, image);
        if (!missing.empty()) {
            return Miss{
                fmt::format("{}:{} names an image of which {} blob(s) are gone or damaged, {} the first; it is "
                            "built again",
                            repository.name(), tag, missing.size(), missing[0].digest.to_string())};
        }
        if (check == Check::EveryBlob && repository.blobs_are_local()) read_every_blob(repository, image);
        return std::nullopt;
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::NotFound) throw;
        return Miss{fmt::format("{}:{} names an image that is gone; it is built again", repository.name(), tag)};
    }
}

// Turns what a repository throws into an answer.
template <class Ask>
LookupResult answered(const ImageRepository& repository, Ask&& ask) {
    try {
        repository.check();
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::Cancelled || error.kind() == ErrorKind::Bug) throw;
        return Unknown{error};
    }
    try {
        return ask();
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::Cancelled || error.kind() == ErrorKind::Bug) throw;
        // The embedded store was asked and did answer: a damaged image is not there, and a build replaces it.
        if (repository.blobs_are_local() &&
            (error.kind() == ErrorKind::Corrupt || error.kind() == ErrorKind::NotFound)) {
            return Miss{error.message() + "; it is built again"};
        }
        return Unknown{error};
    }
}

}  // namespace

LookupResult lookup(const ImageRepository& repository, const Digest& spec_hash, Check check) {
    return answered(repository, [&]() -> LookupResult {
        const auto tag = spec_tag(spec_hash);
        const auto raw = repository.get_manifest(tag);
        if (!raw) return Miss{};
        const auto pointer = Pointer::parse(raw->descriptor.media_type, raw->bytes, spec_hash);
        if (!pointer)
            return Miss{
                fmt::format("{}:{} is not envbuild's pointer: {}", repository.name(), tag, pointer.error().message())};
        if (auto miss = broken(repository, tag, pointer->image, check)) return std::move(*miss);
        return Hit{repository.image_reference(pointer->image.digest), pointer->lock_hash, pointer->image};
    });
}

LookupResult lookup_lock(const ImageRepository& repository, const Digest& lock_hash, Check check) {
    return answered(repository, [&]() -> LookupResult {
        const auto tag = lock_tag(lock_hash);
        const auto raw = repository.get_manifest(tag);
        if (!raw) return Miss{};
        const auto manifest = oci::Manifest::parse(raw->bytes);
        if (!oci::is_manifest_type(raw->descriptor.media_type) || !manifest) {
            return Miss{fmt::format("{}:{} is not an image", repository.name(), tag)};
        }
        const auto found = manifest->annotations.find(std::string(kLockHashAnnotation));
        if (found == manifest->annotations.end() || found->second != lock_hash.hex()) {
            return Miss{fmt::format("{}:{} does not carry the lock's hash in its annotation {}", repository.name(), tag,
                                    kLockHashAnnotation)};
        }
        if (auto miss = broken(repository, tag, raw->descriptor, check)) return std::move(*miss);
        Hit hit{repository.image_reference(raw->descriptor.digest), lock_hash, raw->descriptor};
        hit.descriptor.annotations = manifest->annotations;
        return hit;
    });
}

std::vector<oci::Descriptor> missing_blobs(const ImageRepository& repository, const oci::Descriptor& manifest) {
    const auto raw = repository.get_manifest(manifest.digest.to_string());
    if (!raw)
        throw Error(ErrorKind::NotFound,
                    fmt::format("{} has no manifest {}", repository.name(), manifest.digest.to_string()));
    const auto blobs = value_or_throw(oci::Manifest::parse(raw->bytes)).blobs();
    std::vector<char> there(blobs.size(), 0);
    const std::size_t threads = repository.blobs_are_local() ? 1 : kQuestionsAtATime;
    parallel_for(blobs.size(), threads, [&](std::size_t i) { there[i] = repository.has_blob(blobs[i]) ? 1 : 0; });
    std::vector<oci::Descriptor> missing;
    for (std::size_t i = 0; i < blobs.size(); ++i) {
        if (there[i] == 0) missing.push_back(blobs[i]);
    }
    return missing;
}

}  // namespace envbuild::cache
