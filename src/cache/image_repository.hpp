// ImageRepository: where images are kept and found, be it a registry's repository or the embedded store.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "oci/blob.hpp"
#include "oci/descriptor.hpp"
#include "oci/image_config.hpp"
#include "oci/manifest.hpp"
#include "oci/reference.hpp"
#include "registry/client.hpp"
#include "store/content_store.hpp"

namespace envbuild::cache {

// Thread-safe. Failures are those of RegistryClient and ContentStore; that something is absent is an answer.
class ImageRepository {
  public:
    virtual ~ImageRepository() = default;

    // "registry.lab:5000/team/envs", "oci:/home/u/.local/share/envbuild/images".
    [[nodiscard]] virtual std::string name() const = 0;
    // The answer of a build: "<name>@sha256:…".
    [[nodiscard]] std::string image_reference(const Digest& digest) const { return name() + "@" + digest.to_string(); }

    [[nodiscard]] virtual bool has_blob(const oci::Descriptor& descriptor) const = 0;
    // Verified before it says the end. NotFound where it is absent.
    [[nodiscard]] virtual std::unique_ptr<oci::BlobReader> open_blob(const oci::Descriptor& descriptor) const = 0;
    // Does nothing where it is there. `origin` is a repository that may hold it already: on the same registry it is
    // mounted from there.
    virtual void put_blob(const oci::Descriptor& descriptor, const oci::BlobSource& content,
                          const std::optional<oci::Repository>& origin, Progress* progress) = 0;

    // `identifier` is a tag or "sha256:…".
    [[nodiscard]] virtual std::optional<oci::RawManifest> get_manifest(const std::string& identifier) const = 0;
    // Under its digest and, where given, a tag.
    virtual oci::Descriptor put_manifest(std::string_view bytes, std::string_view media_type,
                                         const std::optional<std::string>& tag) = 0;

    // The file that holds a blob, where it lies on this disk: its bytes are as good as they were when it was stored.
    [[nodiscard]] virtual std::optional<std::filesystem::path> blob_file(const oci::Descriptor& descriptor) const = 0;

    // Sorted. Empty where nothing has been written yet.
    [[nodiscard]] virtual std::vector<std::string> list_tags() const = 0;

    // Whether asking for the blobs of an image costs no round trip, so that every look-up does it.
    [[nodiscard]] virtual bool blobs_are_local() const = 0;

    // Throws where what is found here says nothing about images, and no build mends it: a damaged index of the embedded
    // store. Asks no registry.
    virtual void check() const {}
};

// `context` is borrowed.
[[nodiscard]] std::unique_ptr<ImageRepository> registry_repository(registry::RegistryContext& context,
                                                                   const oci::Repository& repository);
// InvalidInput where `root` holds other things, or a layout of a version that is not known.
[[nodiscard]] std::unique_ptr<ImageRepository> layout_repository(std::filesystem::path root, CancelToken cancel);
// What a user names: "oci:/path" is a layout, anything else a registry's repository. InvalidInput otherwise.
[[nodiscard]] std::unique_ptr<ImageRepository> open_repository(std::string_view name,
                                                               registry::RegistryContext& context,
                                                               const CancelToken& cancel);

// A blob of a repository as a source. `repository` is borrowed.
[[nodiscard]] std::shared_ptr<const oci::BlobSource> repository_source(const ImageRepository& repository,
                                                                       oci::Descriptor descriptor);

// An image for one platform, with its config.
struct Image {
    oci::Descriptor descriptor;  // of the manifest
    oci::Manifest manifest;
    oci::ImageConfig config;
};

// By tag or digest; an index is followed to the platform's manifest. Nothing where it is absent. Error(NotFound),
// naming the platforms that there are, where the index has none for this one; Corrupt where the parts contradict each
// other (layers and diff_ids differ in number).
[[nodiscard]] std::optional<Image> fetch_image(const ImageRepository& repository, const std::string& identifier,
                                               const oci::OciPlatform& platform);

}  // namespace envbuild::cache
