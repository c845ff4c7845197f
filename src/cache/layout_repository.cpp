#include <fmt/format.h>

#include "cache/image_repository.hpp"

namespace envbuild::cache {

namespace {

class CountingReader : public oci::BlobReader {
  public:
    CountingReader(std::unique_ptr<oci::BlobReader> inner, Progress* progress)
        : inner_(std::move(inner)), progress_(progress) {}
    std::size_t read(char* buffer, std::size_t size) override {
        const std::size_t got = inner_->read(buffer, size);
        if (progress_ != nullptr) progress_->advance(got);
        return got;
    }

  private:
    std::unique_ptr<oci::BlobReader> inner_;
    Progress* progress_;
};

class LayoutRepository : public ImageRepository {
  public:
    LayoutRepository(std::filesystem::path root, CancelToken cancel) : store_(std::move(root), std::move(cancel)) {}

    std::string name() const override { return "oci:" + store_.root().string(); }
    bool has_blob(const oci::Descriptor& descriptor) const override { return store_.has_blob(descriptor); }
    std::unique_ptr<oci::BlobReader> open_blob(const oci::Descriptor& descriptor) const override {
        return store_.open_blob(descriptor);
    }

    void put_blob(const oci::Descriptor& descriptor, const oci::BlobSource& content,
                  const std::optional<oci::Repository>& /*origin*/, Progress* progress) override {
        if (store_.has_blob(descriptor)) {
            if (progress != nullptr) progress->advance(descriptor.size);
            return;
        }
        CountingReader reader(content.open(), progress);
        store_.put_blob(descriptor, reader);
    }

    std::optional<oci::RawManifest> get_manifest(const std::string& identifier) const override {
        if (const auto digest = Digest::parse(identifier)) return store_.get_manifest(*digest);
        return store_.get_manifest(identifier);
    }
    oci::Descriptor put_manifest(std::string_view bytes, std::string_view media_type,
                                 const std::optional<std::string>& tag) override {
        return store_.put_manifest(bytes, media_type, tag);
    }
    std::optional<std::filesystem::path> blob_file(const oci::Descriptor& descriptor) const override {
        if (!store_.has_blob(descriptor)) return std::nullopt;
        return store_.blob_path(descriptor.digest);
    }
    std::vector<std::string> list_tags() const override {
        std::vector<std::string> names;
        for (auto& [tag, descriptor] : store_.tags()) names.push_back(std::move(tag));
        return names;
    }
    bool blobs_are_local() const override { return true; }
    void check() const override { store_.check(); }

  private:
    store::ContentStore store_;
};

}  // namespace

std::unique_ptr<ImageRepository> layout_repository(std::filesystem::path root, CancelToken cancel) {
    try {
        store::ContentStore(root, cancel).check_folder();
    } catch (const Error& error) {
        // A folder that is no store is the user's mistake, told before any work. One that cannot be read is an answer
        // that whoever asks gets.
        if (error.kind() == ErrorKind::InvalidInput) throw;
    }
    return std::make_unique<LayoutRepository>(std::move(root), std::move(cancel));
}

}  // namespace envbuild::cache
