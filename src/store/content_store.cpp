#include "store/content_store.hpp"

#include <fmt/format.h>

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

#include "base/failpoint.hpp"
#include "store/blob_writer.hpp"

namespace envbuild::store {

namespace {

constexpr std::string_view kRefName = "org.opencontainers.image.ref.name";
constexpr std::string_view kLayoutFile = R"({"imageLayoutVersion":"1.0.0"})";
constexpr std::uint64_t kIndexLimit = 256ULL << 20;

const std::string& ref_name(const Json& entry) {
    static const std::string kNone;
    const Json& name = entry["annotations"][kRefName];
    return name.is_string() ? name.as_string() : kNone;
}

// A layout by another tool may leave mediaType out of a manifest; its shape tells then.
std::string media_type_of(const std::string& bytes, const fs::path& path) {
    const auto json = Json::parse(bytes);
    if (json && json->is_object()) {
        if (auto type = json->string_or("mediaType", ""); oci::is_manifest_type(type) || oci::is_index_type(type))
            return type;
        if (json->find("layers") != nullptr) return std::string(oci::media_type::kManifest);
        if (json->find("manifests") != nullptr) return std::string(oci::media_type::kIndex);
    }
    throw Error(ErrorKind::Corrupt, fmt::format("{} is not an image manifest or index", path.string()));
}

// Nothing where there is no such file. That it cannot be asked for (permission, a broken disk, a stale mount) is no
// answer: Io.
std::optional<std::uint64_t> size_of(const fs::path& path) {
    struct stat status{};
    if (::stat(path.c_str(), &status) == 0) {
        if (S_ISREG(status.st_mode)) return static_cast<std::uint64_t>(status.st_size);
        throw Error(ErrorKind::Io, fmt::format("{} is not a file", path.string()));
    }
    if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
    const int code = errno;
    throw Error(ErrorKind::Io, fmt::format("{}: cannot look whether it is there: {}", path.string(),
                                           std::generic_category().message(code)))
        .with_hint("check the permissions of this path, and that its disk is mounted and whole");
}

}  // namespace

ContentStore::ContentStore(std::filesystem::path root, CancelToken cancel)
    : root_(std::move(root)), cancel_(std::move(cancel)) {}

std::filesystem::path ContentStore::blob_path(const Digest& digest) const {
    return root_ / "blobs" / "sha256" / digest.hex();
}

bool ContentStore::has_blob(const oci::Descriptor& descriptor) const {
    return size_of(blob_path(descriptor.digest)) == descriptor.size;
}

std::unique_ptr<oci::BlobReader> ContentStore::open_blob(const oci::Descriptor& descriptor) const {
    const auto path = blob_path(descriptor.digest);
    return std::make_unique<oci::VerifyingReader>(oci::file_source(path)->open(), descriptor, path.string());
}

std::string ContentStore::read_blob(const oci::Descriptor& descriptor, std::uint64_t limit) const {
    return oci::read_all(*open_blob(descriptor), limit);
}

void ContentStore::put_blob(const oci::Descriptor& expected, oci::BlobReader& content) {
    if (has_blob(expected)) return;
    ensure_layout();
    BlobWriter writer(root_ / "ingest", root_ / "blobs" / "sha256");
    std::array<char, 1 << 16> buffer;
    while (const std::size_t got = content.read(buffer.data(), buffer.size())) {
        cancel_.throw_if_cancelled();
        writer.write({buffer.data(), got});
        if (writer.size() > expected.size) break;
    }
    const Digest digest = writer.finish();
    if (writer.size() != expected.size || digest != expected.digest) {
        throw Error(
            ErrorKind::Corrupt,
            fmt::format("what came for the blob {} is {} ({} bytes instead of {}); it was not stored",
                        expected.digest.to_string(), writer.size() > expected.size ? "longer" : digest.to_string(),
                        writer.size(), expected.size));
    }
    writer.commit(digest);
}

void ContentStore::put_blob(const oci::Descriptor& expected, std::string_view bytes) {
    put_blob(expected, *oci::bytes_source(std::string(bytes))->open());
}

oci::Descriptor ContentStore::put_manifest(std::string_view bytes, std::string_view media_type,
                                           const std::optional<std::string>& tag) {
    const auto descriptor = oci::describe(media_type, bytes);
    std::vector<oci::Descriptor> absent;
    if (oci::is_index_type(media_type)) {
        for (const auto& manifest : value_or_throw(oci::ImageIndex::parse(bytes)).manifests) {
            if (!has_blob(manifest)) absent.push_back(manifest);
        }
    } else {
        absent = missing(value_or_throw(oci::Manifest::parse(bytes)));
    }
    if (!absent.empty()) {
        throw Error(ErrorKind::Corrupt,
                    fmt::format("{}: the manifest {} names {} ({} bytes), which is not there", root_.string(),
                                descriptor.digest.to_string(), absent[0].digest.to_string(), absent[0].size));
    }
    // A damaged file of the right size would be taken for the manifest; it is small, so it is looked into and replaced.
    if (has_blob(descriptor) && read_file(blob_path(descriptor.digest)) != bytes)
        fs::remove(blob_path(descriptor.digest));
    put_blob(descriptor, bytes);
    if (!tag) return descriptor;

    failpoint("store.before_index");
    const FileLock guard = lock();
    Json index = read_index();
    Json::Array entries = index["manifests"].as_array();
    std::erase_if(entries, [&](const Json& entry) { return ref_name(entry) == *tag; });
    oci::Descriptor entry = descriptor;
    entry.annotations[std::string(kRefName)] = *tag;
    entries.push_back(entry.to_json());
    index.set("manifests", std::move(entries));
    write_index(index);
    return descriptor;
}

std::optional<oci::RawManifest> ContentStore::get_manifest(std::string_view tag) const {
    for (const Json& entry : read_entries()) {
        if (ref_name(entry) != tag) continue;
        auto descriptor = value_or_throw(oci::Descriptor::from_json(entry));
        descriptor.annotations.clear();
        if (!has_blob(descriptor)) {
            throw Error(ErrorKind::Corrupt, fmt::format("{}: the tag {} names {}, which is not there", root_.string(),
                                                        tag, descriptor.digest.to_string()));
        }
        return oci::RawManifest{descriptor, read_blob(descriptor)};
    }
    return std::nullopt;
}

std::optional<oci::RawManifest> ContentStore::get_manifest(const Digest& digest) const {
    const auto path = blob_path(digest);
    const auto size = size_of(path);
    if (!size) return std::nullopt;
    oci::Descriptor descriptor;
    descriptor.digest = digest;
    descriptor.size = *size;
    auto bytes = read_blob(descriptor);
    descriptor.media_type = media_type_of(bytes, path);
    return oci::RawManifest{descriptor, std::move(bytes)};
}

std::vector<std::pair<std::string, oci::Descriptor>> ContentStore::tags() const {
    std::vector<std::pair<std::string, oci::Descriptor>> list;
    for (const Json& entry : read_entries()) {
        if (ref_name(entry).empty()) continue;
        auto descriptor = value_or_throw(oci::Descriptor::from_json(entry));
        descriptor.annotations.clear();
        list.emplace_back(ref_name(entry), std::move(descriptor));
    }
    std::ranges::sort(list, {}, [](const auto& pair) -> const std::string& { return pair.first; });
    return list;
}

std::vector<oci::Descriptor> ContentStore::missing(const oci::Manifest& manifest) const {
    auto blobs = manifest.blobs();
    std::erase_if(blobs, [&](const oci::Descriptor& blob) { return has_blob(blob); });
    return blobs;
}

// Kept as JSON: what other tools wrote into the index or its entries stays.
Json ContentStore::read_index() const {
    const auto path = root_ / "index.json";
    std::string bytes;
    try {
        bytes = read_file(path, kIndexLimit);
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::NotFound) throw;
        Json index = Json::object();
        index.set("schemaVersion", 2).set("mediaType", oci::media_type::kIndex).set("manifests", Json::Array());
        return index;
    }
    auto json = Json::parse(bytes);
    if (!json || !json->is_object() || !(*json)["manifests"].is_array()) {
        throw Error(ErrorKind::Corrupt, fmt::format("{} is not an image index", path.string()))
            .with_hint(
                "move it away: the blobs stay usable, and the next build writes a new one; tags are lost with it");
    }
    return std::move(*json);
}

Json::Array ContentStore::read_entries() const {
    return read_index()["manifests"].as_array();
}

void ContentStore::write_index(const Json& index) const {
    write_file_atomic(root_ / "index.json", index.dump());
}

void ContentStore::ensure_layout() {
    make_layout();
    std::call_once(swept_, [&] { sweep_ingest(root_ / "ingest"); });
}

void ContentStore::check() const {
    check_folder();
    static_cast<void>(read_index());
}

// Whether the marker of a layout is there; InvalidInput where it is another version's.
bool ContentStore::is_layout() const {
    const auto layout = read_file_if_exists(root_ / "oci-layout");
    if (!layout) return false;
    const auto json = Json::parse(*layout);
    const auto version = json ? json->string_or("imageLayoutVersion", "") : "";
    if (version == "1.0.0") return true;
    throw Error(ErrorKind::InvalidInput,
                fmt::format("{}: an image layout of version '{}'; envbuild knows 1.0.0", root_.string(), version))
        .with_hint("name another folder");
}

void ContentStore::check_folder() const {
    if (is_layout()) return;
    std::error_code error;
    if (fs::is_regular_file(root_, error))
        throw Error(ErrorKind::InvalidInput, fmt::format("{} is a file, not an image layout", root_.string()));
    error.clear();
    for (fs::directory_iterator entry(root_, error), end; !error && entry != end; entry.increment(error)) {
        const auto name = entry->path().filename().string();
        // Another process may have made the layout since we looked for its marker.
        if (name == "oci-layout" && is_layout()) return;
        if (name == "blobs" || name == "ingest" || name == "index.json" || name.starts_with(".")) continue;
        throw Error(ErrorKind::InvalidInput,
                    fmt::format("{} holds other things ({}) and is no image layout", root_.string(), name))
            .with_hint("name an empty or a new folder");
    }
    if (error && error != std::errc::no_such_file_or_directory && error != std::errc::not_a_directory)
        throw Error(ErrorKind::Io, fmt::format("{}: cannot read the folder: {}", root_.string(), error.message()));
}

void ContentStore::make_layout() const {
    check_folder();
    std::error_code error;
    if (fs::exists(root_ / "ingest", error) && fs::exists(root_ / "oci-layout", error)) return;
    fs::create_directories(root_, error);
    if (error)
        throw Error(ErrorKind::Io, fmt::format("{}: cannot make the folder: {}", root_.string(), error.message()));
    const FileLock guard = lock();
    check_folder();
    for (const auto& folder : {root_ / "blobs" / "sha256", root_ / "ingest"}) {
        fs::create_directories(folder, error);
        if (error)
            throw Error(ErrorKind::Io, fmt::format("{}: cannot make the folder: {}", folder.string(), error.message()));
    }
    // The marker comes last: where it is, the rest is.
    if (!size_of(root_ / "index.json")) write_index(read_index());
    if (!size_of(root_ / "oci-layout")) write_file_atomic(root_ / "oci-layout", kLayoutFile);
}

FileLock ContentStore::lock() const {
    return {root_ / ".lock", FileLock::Mode::Exclusive, cancel_};
}

}  // namespace envbuild::store
