#include "pypi/metadata_source.hpp"

#include <fmt/format.h>

#include <vector>

#include "base/fs.hpp"
#include "base/shown.hpp"
#include "base/strings.hpp"
#include "pypi/remote_bytes.hpp"
#include "pypi/requirement_line.hpp"

namespace envbuild::pypi {

namespace {

constexpr std::uint64_t kMaxMetadata = 16 << 20;

Error corrupt(const std::string& what, std::string_view why) {
    return Error(ErrorKind::Corrupt, fmt::format("{}: {}", what, why));
}

// "<name>-<version>" of a .dist-info folder, spelled in any way.
bool names_same(std::string_view stem, const WheelName& name) {
    for (auto dash = stem.find('-'); dash != std::string_view::npos; dash = stem.find('-', dash + 1)) {
        const auto version = Pep440Version::parse(stem.substr(dash + 1));
        if (version && *version == name.version && normalize_name(stem.substr(0, dash)) == name.name) return true;
    }
    return false;
}

}  // namespace

std::string read_wheel_metadata(RandomBytes& wheel, const WheelName& name, const std::string& what) {
    constexpr std::string_view kEnding = ".dist-info/METADATA";
    const ZipDirectory directory = ZipDirectory::read(wheel, what);
    const ZipDirectory::Member* found = nullptr;
    for (const auto& member : directory.members()) {
        if (!member.name.ends_with(kEnding) || member.name.find('/') != member.name.rfind('/')) continue;
        if (found != nullptr)
            throw corrupt(what, fmt::format("the wheel holds both {} and {}", shown(found->name), shown(member.name)));
        found = &member;
    }
    if (found == nullptr) throw corrupt(what, "the wheel holds no NAME-VERSION.dist-info/METADATA");
    const auto stem = std::string_view(found->name).substr(0, found->name.size() - kEnding.size());
    if (!names_same(stem, name)) {
        throw corrupt(what, fmt::format("the wheel's metadata is in {}.dist-info, which is not {} {}", shown(stem),
                                        name.name, name.version.to_string()));
    }
    return directory.unpack(wheel, *found, kMaxMetadata);
}

MetadataSource::MetadataSource(HttpClient& client, const Downloader& wheels, std::filesystem::path folder,
                               Reporter& reporter)
    : client_(client), wheels_(wheels), folder_(std::move(folder)), reporter_(reporter) {}

Expected<CoreMetadata> MetadataSource::fetch(const IndexFile& file, const WheelName& name) const {
    if (const auto text = from_cache(file)) {
        if (auto metadata = from_text(*text, file, name)) return metadata;
    }
    if (!file.has_metadata) return from_wheel(file, name);
    const auto text = from_beside(file);
    if (!text) return from_wheel(file, name);
    auto metadata = from_text(*text, file, name);
    // Without a promised hash it may be anything that a proxy sent: the wheel decides.
    if (!metadata && !file.metadata_sha256) return from_wheel(file, name);
    if (metadata) keep(file, *text, From::Beside);
    return metadata;
}

Expected<CoreMetadata> MetadataSource::from_text(const std::string& text, const IndexFile& file,
                                                 const WheelName& name) const {
    auto metadata = CoreMetadata::parse(text, file.filename);
    if (!metadata) return metadata;
    if (metadata->name != name.name || metadata->version != name.version) {
        return std::unexpected(
            corrupt(file.filename, fmt::format("the wheel's metadata is that of {} {}", shown(metadata->name),
                                               metadata->version.to_string())));
    }
    for (const auto& warning : metadata->warnings) reporter_.debug(warning);
    return metadata;
}

std::filesystem::path MetadataSource::cached(std::string_view key, const Digest& digest) const {
    const std::string hex = digest.hex();
    return folder_ / key / hex.substr(0, 2) / hex;
}

std::filesystem::path MetadataSource::cached_place(const IndexFile& file) const {
    return cached("place",
                  sha256(fmt::format("{} {}{}", file.sha256->hex(), file.url.origin().to_string(), file.url.path())));
}

std::optional<std::string> MetadataSource::from_cache(const IndexFile& file) const {
    std::vector<std::filesystem::path> places;
    if (file.metadata_sha256) places.push_back(cached("text", *file.metadata_sha256));
    if (file.sha256) {
        places.push_back(cached("wheel", *file.sha256));
        places.push_back(cached_place(file));
    }
    for (const auto& place : places) {
        auto text = read_file_if_exists(place);
        const auto line = text ? text->find('\n') : std::string::npos;
        if (line == std::string::npos) continue;
        const auto digest = Digest::from_hex(text->substr(0, line));
        text->erase(0, line + 1);
        if (!digest || sha256(*text) != *digest) continue;
        if (!file.metadata_sha256 || *digest == *file.metadata_sha256) return text;
    }
    return std::nullopt;
}

void MetadataSource::keep(const IndexFile& file, std::string_view text, From from) const {
    const auto digest = sha256(text);
    std::filesystem::path place;
    if (from == From::Beside && file.metadata_sha256) {
        place = cached("text", digest);  // fetch() took no other
    } else if (!file.sha256 || from == From::Disk) {
        return;
    } else {
        place = from == From::Wheel ? cached("wheel", *file.sha256) : cached_place(file);
    }
    write_cache_file(place, fmt::format("{}\n{}", digest.hex(), text));
}

std::optional<std::string> MetadataSource::from_beside(const IndexFile& file) const {
    HttpRequest request;
    request.url = file.url.with_path(file.url.path() + ".metadata");
    request.body_limit = kMaxMetadata;
    request.decompress = true;
    HttpResponse response = client_.send(request);
    if (response.status == 404 || response.status == 410 || response.status == 403) {
        reporter_.debug(
            fmt::format("{} answered {}: the wheel itself is asked", request.url.to_string(), response.status));
        return std::nullopt;
    }
    if (!response.ok()) throw http_error(fmt::format("GET {}", request.url.to_string()), request, response);
    if (file.metadata_sha256 && sha256(response.body) != *file.metadata_sha256) {
        throw Error(ErrorKind::Corrupt,
                    fmt::format("{} has the sha256 {}, and the index promised {}", request.url.to_string(),
                                sha256(response.body).hex(), file.metadata_sha256->hex()))
            .with_hint("the file was changed behind the index, or a proxy answered in its place");
    }
    return std::move(response.body);
}

Expected<CoreMetadata> MetadataSource::from_wheel(const IndexFile& file, const WheelName& name) const {
    if (file.url.scheme() == "file") return from_bytes(*open_file(file.url.file_path()), file, name, From::Disk);
    if (const auto bytes = open_remote(client_, file.url)) {
        auto metadata = from_bytes(*bytes, file, name, From::Pieces);
        // Pieces cannot be checked, and the whole can: it may be the way that damaged them.
        if (metadata || !file.sha256) return metadata;
        reporter_.debug(
            fmt::format("{}: {} is downloaded whole to make sure", metadata.error().message(), file.filename));
    } else if (!file.sha256) {
        throw Error(
            ErrorKind::InvalidInput,
            fmt::format("{}: the index gives no sha256, and {} gives no pieces of the file, so that its metadata "
                        "cannot be known",
                        file.filename, file.url.host()))
            .with_hint("an index gives hashes as #sha256=… behind its links, or in its JSON");
    } else {
        reporter_.debug(
            fmt::format("{} gives no pieces of a file: {} is downloaded whole", file.url.host(), file.filename));
    }
    const auto path = wheels_.fetch_one({file.filename, {file.url}, *file.sha256, file.size});
    return from_bytes(*open_file(path), file, name, From::Wheel);
}

Expected<CoreMetadata> MetadataSource::from_bytes(RandomBytes& wheel, const IndexFile& file, const WheelName& name,
                                                  From from) const {
    std::string text;
    try {
        text = read_wheel_metadata(wheel, name, file.filename);
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::Corrupt) throw;
        return std::unexpected(error);
    }
    auto metadata = from_text(text, file, name);
    if (metadata) keep(file, text, from);
    return metadata;
}

}  // namespace envbuild::pypi
