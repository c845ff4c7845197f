#include <fmt/format.h>

#include "cache/image_repository.hpp"

namespace envbuild::cache {

namespace {

class RegistryRepository : public ImageRepository {
  public:
    RegistryRepository(registry::RegistryContext& context, const oci::Repository& repository)
        : client_(context, repository) {}

    std::string name() const override { return client_.repository().to_string(); }
    bool has_blob(const oci::Descriptor& descriptor) const override { return client_.has_blob(descriptor); }
    std::unique_ptr<oci::BlobReader> open_blob(const oci::Descriptor& descriptor) const override {
        return client_.open_blob(descriptor);
    }

    void put_blob(const oci::Descriptor& descriptor, const oci::BlobSource& content,
                  const std::optional<oci::Repository>& origin, Progress* progress) override {
        if (client_.has_blob(descriptor)) {
            if (progress != nullptr) progress->advance(descriptor.size);
            return;
        }
        const auto& here = client_.repository();
        if (origin && origin->domain() == here.domain() && origin->path() != here.path() &&
            client_.mount_blob(descriptor, origin->path())) {
            if (progress != nullptr) progress->advance(descriptor.size);
            return;
        }
        client_.upload_blob(descriptor, content, progress);
    }

    std::optional<oci::RawManifest> get_manifest(const std::string& identifier) const override {
        return client_.get_manifest(identifier);
    }
    oci::Descriptor put_manifest(std::string_view bytes, std::string_view media_type,
                                 const std::optional<std::string>& tag) override {
        return client_.put_manifest(bytes, media_type, tag ? *tag : sha256(bytes).to_string());
    }
    std::optional<std::filesystem::path> blob_file(const oci::Descriptor&) const override { return std::nullopt; }
    std::vector<std::string> list_tags() const override { return client_.list_tags(); }
    bool blobs_are_local() const override { return false; }

  private:
    registry::RegistryClient client_;
};

}  // namespace

std::unique_ptr<ImageRepository> registry_repository(registry::RegistryContext& context,
                                                     const oci::Repository& repository) {
    return std::make_unique<RegistryRepository>(context, repository);
}

}  // namespace envbuild::cache
