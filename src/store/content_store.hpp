// ContentStore: images on disk as an OCI image layout (image-spec v1.1, image-layout.md), which podman, skopeo and
// crane read as it is: `oci-layout`, `index.json`, `blobs/sha256/<hex>`. docs/formats.md describes what else lies
// there.
//
// A process killed at any point leaves a valid layout: a blob gets its name only when it is whole, verified and on
// disk; the index is replaced in one rename, and only after what it names. Many processes may use one store: blobs are
// immutable, and the index is changed under a lock. Thread-safe.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/cancel.hpp"
#include "base/fs.hpp"
#include "base/json.hpp"
#include "oci/blob.hpp"
#include "oci/descriptor.hpp"
#include "oci/image_index.hpp"
#include "oci/manifest.hpp"

namespace envbuild::store {

class ContentStore {
  public:
    // Nothing is touched before the first write; a folder that is not there reads as an empty store.
    ContentStore(std::filesystem::path root, CancelToken cancel);

    [[nodiscard]] const std::filesystem::path& root() const { return root_; }

    // Whether the folder may be a store: absent, empty or an image layout of the known version. Error(InvalidInput)
    // otherwise, Io where it cannot be read. Every write begins with it.
    void check_folder() const;
    // That, and whether the index can be read: Error(Corrupt) for one that is none. No write mends it.
    void check() const;

    // Present with the size that the descriptor says. Error(Io) where that cannot be found out: absence is an answer,
    // a disk that does not answer is none.
    [[nodiscard]] bool has_blob(const oci::Descriptor& descriptor) const;
    [[nodiscard]] std::filesystem::path blob_path(const Digest& digest) const;
    // The content; its reader verifies size and digest before it says the end. NotFound where it is absent.
    [[nodiscard]] std::unique_ptr<oci::BlobReader> open_blob(const oci::Descriptor& descriptor) const;
    // Small content, verified. NotFound, Corrupt.
    [[nodiscard]] std::string read_blob(const oci::Descriptor& descriptor,
                                        std::uint64_t limit = oci::kManifestLimit) const;

    // Does nothing where the blob is there already. Error(Corrupt) when what comes is not what the descriptor says;
    // nothing stays then.
    void put_blob(const oci::Descriptor& expected, oci::BlobReader& content);
    void put_blob(const oci::Descriptor& expected, std::string_view bytes);
    // Stores a manifest or an index and, with a tag, makes the tag name it (as `org.opencontainers.image.ref.name` in
    // index.json). Refuses (Error(Corrupt)) a manifest whose blobs, or an index whose manifests, are not all there.
    oci::Descriptor put_manifest(std::string_view bytes, std::string_view media_type,
                                 const std::optional<std::string>& tag);
    [[nodiscard]] std::optional<oci::RawManifest> get_manifest(std::string_view tag) const;
    [[nodiscard]] std::optional<oci::RawManifest> get_manifest(const Digest& digest) const;

    // Tags with what they name, sorted by tag.
    [[nodiscard]] std::vector<std::pair<std::string, oci::Descriptor>> tags() const;
    // What of `manifest` is absent or of another size; empty when all is there.
    [[nodiscard]] std::vector<oci::Descriptor> missing(const oci::Manifest& manifest) const;

  private:
    [[nodiscard]] Json read_index() const;
    [[nodiscard]] Json::Array read_entries() const;
    void write_index(const Json& index) const;
    void ensure_layout();
    [[nodiscard]] bool is_layout() const;
    void make_layout() const;
    [[nodiscard]] FileLock lock() const;

    std::filesystem::path root_;
    CancelToken cancel_;
    std::once_flag swept_;
};

}  // namespace envbuild::store
