#include "cache/image_repository.hpp"

#include <fmt/format.h>

#include "base/strings.hpp"
#include "oci/image_index.hpp"

namespace envbuild::cache {

namespace {

constexpr std::string_view kLayoutPrefix = "oci:";

class RepositorySource : public oci::BlobSource {
  public:
    RepositorySource(const ImageRepository& repository, oci::Descriptor descriptor)
        : repository_(repository), descriptor_(std::move(descriptor)) {}
    std::unique_ptr<oci::BlobReader> open() const override { return repository_.open_blob(descriptor_); }

  private:
    const ImageRepository& repository_;
    oci::Descriptor descriptor_;
};

std::string platform_text(const oci::OciPlatform& platform) {
    return platform.os + "/" + platform.architecture + (platform.variant.empty() ? "" : "/" + platform.variant);
}

Error no_platform(const std::string& image, const oci::ImageIndex& index, const oci::OciPlatform& platform) {
    std::vector<std::string> there;
    for (const auto& manifest : index.manifests) {
        if (manifest.platform && manifest.platform->os != "unknown") there.push_back(platform_text(*manifest.platform));
    }
    return Error(ErrorKind::NotFound, fmt::format("{} has no image for {}; it has {}", image, platform_text(platform),
                                                  there.empty() ? "none with a platform" : join(there, ", ")));
}

}  // namespace

std::unique_ptr<ImageRepository> open_repository(std::string_view name, registry::RegistryContext& context,
                                                 const CancelToken& cancel) {
    if (!name.starts_with(kLayoutPrefix))
        return registry_repository(context, value_or_throw(oci::Repository::parse(name)));
    const auto path = name.substr(kLayoutPrefix.size());
    if (path.empty() || has_control_character(path))
        throw Error(ErrorKind::InvalidInput, fmt::format("'{}' names no folder; write oci:/path", name));
    return layout_repository(std::filesystem::absolute(path).lexically_normal(), cancel);
}

std::shared_ptr<const oci::BlobSource> repository_source(const ImageRepository& repository,
                                                         oci::Descriptor descriptor) {
    return std::make_shared<RepositorySource>(repository, std::move(descriptor));
}

std::optional<Image> fetch_image(const ImageRepository& repository, const std::string& identifier,
                                 const oci::OciPlatform& platform) {
    auto raw = repository.get_manifest(identifier);
    if (!raw) return std::nullopt;
    const std::string image =
        fmt::format("{}{}{}", repository.name(), identifier.starts_with("sha256:") ? "@" : ":", identifier);
    if (oci::is_index_type(raw->descriptor.media_type)) {
        const auto index = value_or_throw(oci::ImageIndex::parse(raw->bytes));
        const oci::Descriptor* chosen = index.find(platform);
        if (chosen == nullptr) throw no_platform(image, index, platform);
        const auto digest = chosen->digest.to_string();
        raw = repository.get_manifest(digest);
        if (!raw)
            throw Error(ErrorKind::NotFound,
                        fmt::format("{} names the manifest {}, which is not there", image, digest));
    }
    Image result{raw->descriptor, value_or_throw(oci::Manifest::parse(raw->bytes)), {}};
    const auto reader = repository.open_blob(result.manifest.config);
    result.config = value_or_throw(oci::ImageConfig::parse(oci::read_all(*reader, oci::kManifestLimit)));
    if (result.config.diff_ids().size() != result.manifest.layers.size()) {
        throw Error(ErrorKind::Corrupt, fmt::format("{}: its manifest has {} layers, its config {}", image,
                                                    result.manifest.layers.size(), result.config.diff_ids().size()));
    }
    return result;
}

}  // namespace envbuild::cache
