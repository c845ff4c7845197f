#include "layer/docker_export.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <set>
#include <variant>

#include "base/fs.hpp"
#include "base/strings.hpp"
#include "layer/decompressor.hpp"
#include "layer/export_manifest.hpp"
#include "layer/tar_parser.hpp"

namespace envbuild::layer {

namespace {

constexpr std::uint64_t kTextLimit = 16U << 20;  // configs and manifests are some kilobytes

std::string basename(const std::string& path) {
    return path.substr(path.rfind('/') + 1);
}

// The digest that a member's name states: blobs/sha256/<hex>, <hex>.json, <hex>.tar.
std::optional<Digest> digest_in_name(const std::string& path) {
    std::string name = basename(path);
    if (name.size() > 64 && name[64] == '.') name.resize(64);
    if (const auto digest = Digest::from_hex(name)) return *digest;
    return std::nullopt;
}

void check_name(const std::string& path, const Digest& content) {
    if (const auto name = digest_in_name(path); name && *name != content) {
        throw Error(ErrorKind::Corrupt, fmt::format("{} in the engine's export does not have that hash", path));
    }
}

// "a/b/../c" -> "a/c", by the letters alone: what a link in an archive means.
std::string without_dot_dot(const std::string& path) {
    std::vector<std::string> parts;
    const std::string normal = normal_tar_path(path);
    for (const auto part : split(normal, '/')) {
        if (part == "..") {
            if (!parts.empty()) parts.pop_back();
        } else {
            parts.emplace_back(part);
        }
    }
    return join(parts, "/");
}

bool is_layer_name(const std::string& path) {
    return path.ends_with(".tar");
}

// Whether these first bytes begin a tar: its header's checksum says so, better than the magic, which old tars lack.
bool looks_like_tar(std::string_view first) {
    struct Nobody final : TarVisitor {
        void entry(const TarEntry&) override {}
        void data(std::string_view) override {}
        void end() override {}
    } nobody;
    if (first.size() < kTarBlock) return false;
    try {
        TarParser(nobody).feed(first.substr(0, kTarBlock));
        return true;
    } catch (const Error&) {
        return false;
    }
}

struct Text {
    std::string bytes;
};
struct Link {
    std::string target;  // a path in the export
};
struct Layer {
    Digest diff_id;
    bool known = false;
    std::optional<CompressedLayer> compressed;
};
// A blob that the engine had compressed itself: spooled as it is, compressed anew once it is known to be needed.
struct Spooled {
    std::filesystem::path path;
    Digest diff_id;
};
struct Ignored {};
using Member = std::variant<Text, Link, Layer, Spooled, Ignored>;

}  // namespace

class DockerExportReader::Impl final : public TarVisitor {
  public:
    explicit Impl(ExportOptions options) : options_(std::move(options)) { begin(); }

    void feed(std::string_view bytes) { parser_->feed(bytes); }

    void restart() { begin(); }

    std::optional<ExportedImage> finish() {
        parser_->finish();
        if (!parser_->saw_end()) throw Error(ErrorKind::Corrupt, "the engine's export of the image is cut short");
        const ExportManifest manifest = read_export_manifest([this](const std::string& path) { return text(path); });

        ExportedImage image;
        image.config = manifest.config;
        image.config_digest = sha256(manifest.config);
        image.tags = manifest.tags;
        if (manifest.layers.size() != manifest.diff_ids.size()) {
            throw Error(ErrorKind::Corrupt,
                        fmt::format("the engine's export has {} layers, the image's config names {}",
                                    manifest.layers.size(), manifest.diff_ids.size()));
        }
        for (std::size_t i = 0; i < manifest.layers.size(); ++i) {
            auto layer = take_layer(manifest.layers[i]);
            if (!layer) return std::nullopt;
            if (layer->diff_id != manifest.diff_ids[i]) {
                throw Error(ErrorKind::Corrupt,
                            fmt::format("layer {} of the engine's export is {}, the image's config says {}", i,
                                        layer->diff_id.to_string(), manifest.diff_ids[i].to_string()));
            }
            image.layers.push_back(std::move(*layer));
        }
        return image;
    }

  private:
    enum class Mode : std::uint8_t { Sniff, Text, Layer, KnownBySize, Spool, Ignore };

    void begin() {
        parser_ = std::make_unique<TarParser>(*this);
        members_.clear();
        writer_.reset();
        spool_.reset();
        unpack_.reset();
        mode_ = Mode::Ignore;
        second_ = second_ || !mistaken_sizes_.empty();
    }

    // TarVisitor

    void entry(const TarEntry& entry) override {
        path_ = entry.path;
        size_ = entry.size;
        first_.clear();
        mode_ = Mode::Ignore;
        if (entry.type == TarEntry::Type::Symlink) {
            const auto slash = path_.rfind('/');
            const auto folder = slash == std::string::npos ? std::string() : path_.substr(0, slash + 1);
            members_[path_] = Link{without_dot_dot(folder + entry.link_target)};
        } else if (entry.type == TarEntry::Type::Hardlink) {
            members_[path_] = Link{normal_tar_path(entry.link_target)};
        } else if (entry.type == TarEntry::Type::File) {
            mode_ = Mode::Sniff;
        }
    }

    void data(std::string_view bytes) override {
        if (mode_ != Mode::Sniff) return put(bytes);
        // The members' names tell their kind in the old form only; a blob may be anything.
        const auto part = std::min<std::size_t>(bytes.size(), kTarBlock - first_.size());
        first_ += bytes.substr(0, part);
        if (first_.size() < std::min<std::uint64_t>(kTarBlock, size_)) return;
        decide();
        put(first_);
        if (part < bytes.size()) put(bytes.substr(part));
    }

    void end() override {
        switch (mode_) {
            case Mode::Sniff:
                members_[path_] = Text{};
                break;  // an empty file
            case Mode::Text:
                members_[path_] = Text{std::move(text_)};
                break;
            case Mode::Layer:
                end_layer();
                break;
            case Mode::KnownBySize:
                end_known();
                break;
            case Mode::Spool:
                end_spool();
                break;
            case Mode::Ignore:
                break;
        }
        mode_ = Mode::Ignore;
    }

    void decide() {
        hash_ = Sha256();
        if (looks_like_tar(first_) || (is_layer_name(path_) && !looks_compressed(first_))) return begin_layer();
        if (looks_compressed(first_)) {
            mode_ = Mode::Spool;
            const auto name = digest_in_name(path_);
            known_blob_ = nullptr;
            for (const KnownLayer& known : options_.known) {
                if (name && !known.blob.empty() && known.blob == *name) known_blob_ = &known;
            }
            if (known_blob_ != nullptr) return;
            unpacked_ = Sha256();
            unpack_ = std::make_unique<Decompressor>([this](std::string_view bytes) { unpacked_.update(bytes); });
            spool_path_ = next_path(".spool");
            spool_ = std::make_unique<AtomicFile>(spool_path_);
            return;
        }
        mode_ = size_ <= kTextLimit ? Mode::Text : Mode::Ignore;
        text_.clear();
    }

    void begin_layer() {
        const auto name = digest_in_name(path_);
        const bool named = name && is_known(*name);
        const bool sized =
            std::ranges::any_of(options_.known, [this](const KnownLayer& k) { return k.uncompressed_size == size_; });
        // A digest for a name that is not the base's speaks against it; elsewhere the size alone is the sign.
        if ((named || (sized && !name)) && !mistaken_sizes_.contains(size_)) {
            mode_ = Mode::KnownBySize;
            return;
        }
        mode_ = Mode::Layer;
        writer_ = std::make_unique<LayerFileWriter>(next_path(".tar"), options_.codec, options_.threads);
    }

    void put(std::string_view bytes) {
        switch (mode_) {
            case Mode::Text:
                text_ += bytes;
                break;
            case Mode::Layer:
                writer_->write(bytes);
                break;
            case Mode::KnownBySize:
                hash_.update(bytes);
                break;
            case Mode::Spool:
                hash_.update(bytes);
                if (known_blob_ != nullptr) break;
                spool_->write(bytes);
                unpack_->feed(bytes);
                break;
            case Mode::Sniff:
            case Mode::Ignore:
                break;
        }
    }

    void end_layer() {
        Layer layer;
        layer.compressed = writer_->finish();
        layer.diff_id = layer.compressed->diff_id;
        writer_.reset();
        check_name(path_, layer.diff_id);
        if (is_known(layer.diff_id)) {
            std::filesystem::remove(layer.compressed->path);
            layer.compressed.reset();
            layer.known = true;
        }
        members_[path_] = std::move(layer);
    }

    void end_known() {
        Layer layer;
        layer.diff_id = hash_.finish();
        check_name(path_, layer.diff_id);
        layer.known = is_known(layer.diff_id);
        sizes_[path_] = size_;
        members_[path_] = std::move(layer);
    }

    void end_spool() {
        check_name(path_, hash_.finish());
        if (known_blob_ != nullptr) {
            members_[path_] = Layer{known_blob_->diff_id, true, std::nullopt};
            return;
        }
        unpack_->finish();
        unpack_.reset();
        spool_->commit();
        spool_.reset();
        members_[path_] = Spooled{spool_path_, unpacked_.finish()};
    }

    // The look after the stream has ended

    Member* member(const std::string& path) {
        std::string name = normal_tar_path(path);
        for (int hops = 0; hops < 16; ++hops) {
            const auto found = members_.find(name);
            if (found == members_.end()) return nullptr;
            const auto* link = std::get_if<Link>(&found->second);
            if (link == nullptr) return &found->second;
            name = link->target;
        }
        throw Error(ErrorKind::Corrupt, fmt::format("{} in the engine's export is a link to itself", path));
    }

    std::optional<std::string> text(const std::string& path) {
        const Member* found = member(path);
        if (found == nullptr) return std::nullopt;
        const auto* bytes = std::get_if<Text>(found);
        if (bytes == nullptr)
            throw Error(ErrorKind::Corrupt, fmt::format("{} in the engine's export is not JSON", path));
        check_name(path, sha256(bytes->bytes));
        return bytes->bytes;
    }

    // Nothing where it was only hashed and is not the base's after all.
    std::optional<ExportedLayer> take_layer(const std::string& path) {
        Member* found = member(path);
        if (found == nullptr) throw Error(ErrorKind::Corrupt, fmt::format("the engine's export lacks {}", path));
        if (auto* spooled = std::get_if<Spooled>(found)) *found = compress_again(*spooled);
        const auto* layer = std::get_if<Layer>(found);
        if (layer == nullptr)
            throw Error(ErrorKind::Corrupt, fmt::format("{} in the engine's export is no layer", path));
        if (layer->known || layer->compressed) return ExportedLayer{layer->diff_id, layer->compressed};
        if (second_) throw Error(ErrorKind::Corrupt, "the engine's export changed between two readings");
        for (const auto& [hashed, size] : sizes_) {
            const auto* other = std::get_if<Layer>(&members_.at(hashed));
            if (other != nullptr && !other->known) mistaken_sizes_.insert(size);
        }
        return std::nullopt;
    }

    Layer compress_again(const Spooled& spooled) {
        Layer layer{spooled.diff_id, is_known(spooled.diff_id), std::nullopt};
        if (!layer.known) {
            LayerFileWriter writer(next_path(".tar"), options_.codec, options_.threads);
            Decompressor unpack([&writer](std::string_view bytes) { writer.write(bytes); });
            std::ifstream file(spooled.path, std::ios::binary);
            std::string buffer(1U << 18, '\0');
            while (file.read(buffer.data(), static_cast<std::streamsize>(buffer.size())), file.gcount() > 0) {
                unpack.feed(std::string_view(buffer).substr(0, static_cast<std::size_t>(file.gcount())));
            }
            unpack.finish();
            layer.compressed = writer.finish();
        }
        std::filesystem::remove(spooled.path);
        return layer;
    }

    [[nodiscard]] bool is_known(const Digest& diff_id) const {
        return std::ranges::any_of(options_.known, [&](const KnownLayer& known) { return known.diff_id == diff_id; });
    }

    std::filesystem::path next_path(std::string_view suffix) {
        return options_.directory / fmt::format("layer-{}{}", files_++, suffix);
    }

    ExportOptions options_;
    std::unique_ptr<TarParser> parser_;
    std::map<std::string, Member> members_;
    std::map<std::string, std::uint64_t> sizes_;
    std::set<std::uint64_t>
        mistaken_sizes_;  // of layers that are not the base's though they are as large; outlives restart()
    bool second_ = false;
    std::size_t files_ = 0;

    // The member that is streaming by.
    std::string path_, first_, text_;
    std::uint64_t size_ = 0;
    Mode mode_ = Mode::Ignore;
    Sha256 hash_, unpacked_;
    const KnownLayer* known_blob_ = nullptr;
    std::unique_ptr<LayerFileWriter> writer_;
    std::filesystem::path spool_path_;
    std::unique_ptr<AtomicFile> spool_;
    std::unique_ptr<Decompressor> unpack_;
};

DockerExportReader::DockerExportReader(ExportOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
DockerExportReader::~DockerExportReader() = default;
void DockerExportReader::feed(std::string_view bytes) {
    impl_->feed(bytes);
}
void DockerExportReader::restart() {
    impl_->restart();
}
std::optional<ExportedImage> DockerExportReader::finish() {
    return impl_->finish();
}

ExportedImage read_docker_export(const ExportOptions& options, const std::function<void(DockerExportReader&)>& stream) {
    DockerExportReader reader(options);
    stream(reader);
    if (auto image = reader.finish()) return std::move(*image);
    reader.restart();
    stream(reader);
    if (auto image = reader.finish()) return std::move(*image);
    throw Error(ErrorKind::Bug, "the engine's export would have to be read a third time");
}

}  // namespace envbuild::layer
