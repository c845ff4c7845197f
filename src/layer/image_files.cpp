#include "layer/image_files.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/strings.hpp"
#include "layer/decompressor.hpp"
#include "layer/elf_banner.hpp"
#include "layer/tar_parser.hpp"

namespace envbuild::layer {

namespace {

constexpr std::uint64_t kLibraryLimit = 64U << 20;
constexpr std::uint64_t kOsReleaseLimit = 64U << 10;
constexpr std::size_t kNodeLimit = 5'000'000;
constexpr std::string_view kWhiteout = ".wh.";
constexpr std::string_view kOpaque = ".wh..wh..opq";

LayerScan::Kind kind_of(TarEntry::Type type) {
    switch (type) {
        case TarEntry::Type::File:
            return LayerScan::Kind::File;
        case TarEntry::Type::Directory:
            return LayerScan::Kind::Directory;
        case TarEntry::Type::Symlink:
            return LayerScan::Kind::Symlink;
        case TarEntry::Type::Hardlink:
            return LayerScan::Kind::Hardlink;
        case TarEntry::Type::Other:
            break;
    }
    return LayerScan::Kind::Other;
}

bool is_libc_name(std::string_view name) {
    return name == "libc.so.6" || (name.starts_with("libc-2.") && name.ends_with(".so"));
}

}  // namespace

class LayerScanner::Impl final : public TarVisitor {
  public:
    Impl()
        : parser_(*this), decompressor_([this](std::string_view bytes) {
              hash_.update(bytes);
              scan_.uncompressed_size += bytes.size();
              parser_.feed(bytes);
          }) {}

    void feed(std::string_view bytes) { decompressor_.feed(bytes); }

    LayerScan finish() {
        decompressor_.finish();
        parser_.finish();
        scan_.diff_id = hash_.finish();
        return std::move(scan_);
    }

    void entry(const TarEntry& entry) override {
        current_ = nullptr;
        content_.clear();
        if (entry.path.empty()) return;
        if (scan_.nodes.size() >= kNodeLimit)
            throw Error(ErrorKind::Corrupt, "a layer has more than five million entries");
        const auto slash = entry.path.rfind('/');
        const std::string folder = slash == std::string::npos ? std::string() : entry.path.substr(0, slash);
        const std::string name = entry.path.substr(slash == std::string::npos ? 0 : slash + 1);
        if (name == kOpaque) return scan_.opaque.push_back(folder);
        if (name.starts_with(kWhiteout)) {
            const auto hidden = name.substr(kWhiteout.size());
            return scan_.whiteouts.push_back(folder.empty() ? hidden : folder + "/" + hidden);
        }
        LayerScan::Node node;
        node.kind = kind_of(entry.type);
        node.link_target =
            entry.type == TarEntry::Type::Hardlink ? normal_tar_path(entry.link_target) : entry.link_target;
        auto& stored = scan_.nodes.insert_or_assign(entry.path, std::move(node)).first->second;
        is_libc_ = is_libc_name(name);
        const bool wanted =
            (is_libc_ && entry.size <= kLibraryLimit) || (name == "os-release" && entry.size <= kOsReleaseLimit);
        if (entry.type == TarEntry::Type::File && wanted) current_ = &stored;
    }

    void data(std::string_view bytes) override {
        if (current_ != nullptr) content_ += bytes;
    }

    void end() override {
        if (current_ == nullptr) return;
        if (is_libc_) {
            current_->glibc = glibc_version_in(content_);
            current_->machine = elf_architecture(content_);
        } else {
            current_->text = content_;
        }
        current_ = nullptr;
    }

  private:
    LayerScan scan_;
    Sha256 hash_;
    TarParser parser_;
    Decompressor decompressor_;
    LayerScan::Node* current_ = nullptr;
    bool is_libc_ = false;
    std::string content_;
};

LayerScanner::LayerScanner() : impl_(std::make_unique<Impl>()) {}
LayerScanner::~LayerScanner() = default;
void LayerScanner::feed(std::string_view bytes) {
    impl_->feed(bytes);
}
LayerScan LayerScanner::finish() {
    return impl_->finish();
}

}  // namespace envbuild::layer
