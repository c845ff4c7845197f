#include "conda/archive_zip.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "base/error.hpp"
#include "base/json.hpp"

namespace envbuild::conda {

namespace {

constexpr std::uint32_t kLocalHeader = 0x04034b50;
constexpr std::uint32_t kCentralHeader = 0x02014b50;
constexpr std::uint32_t kEndRecord = 0x06054b50;
constexpr std::uint32_t kZip64EndRecord = 0x06064b50;
constexpr std::uint32_t kZip64Locator = 0x07064b50;
constexpr std::uint64_t kLocalSize = 30, kCentralSize = 46, kEndSize = 22, kLocatorSize = 20, kZip64EndSize = 56;
constexpr std::uint16_t kUtf8Names = 1 << 11;
constexpr std::uint16_t kDataDescriptor = 1 << 3;
constexpr std::uint64_t kMaxCentral = 4096;
constexpr std::uint64_t kMaxMetadata = 4096;

[[noreturn]] void corrupt(std::string message) {
    throw Error(ErrorKind::Corrupt, "the .conda container " + std::move(message));
}

// Little-endian fields of a header.
class Fields {
  public:
    explicit Fields(std::string bytes) : bytes_(std::move(bytes)) {}
    [[nodiscard]] std::uint64_t number(std::size_t at, std::size_t width) const {
        if (at + width > bytes_.size()) corrupt("has a header that breaks off");
        std::uint64_t value = 0;
        for (std::size_t i = width; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes_[at + i]);
        return value;
    }
    [[nodiscard]] std::uint32_t u32(std::size_t at) const { return static_cast<std::uint32_t>(number(at, 4)); }
    [[nodiscard]] std::uint16_t u16(std::size_t at) const { return static_cast<std::uint16_t>(number(at, 2)); }
    [[nodiscard]] std::uint64_t u64(std::size_t at) const { return number(at, 8); }
    [[nodiscard]] std::string text(std::size_t at, std::size_t size) const {
        if (at + size > bytes_.size()) corrupt("has a header that breaks off");
        return bytes_.substr(at, size);
    }
    [[nodiscard]] std::size_t size() const { return bytes_.size(); }

  private:
    std::string bytes_;
};

Fields read(const ArchiveSource& source, std::uint64_t offset, std::uint64_t size) {
    if (offset > source.size() || size > source.size() - offset) corrupt("points past its own end");
    std::string bytes(size, '\0');
    if (source.read_at(offset, bytes) != size) corrupt("breaks off");
    return Fields(std::move(bytes));
}

struct Header {
    std::string name;
    std::uint16_t flags = 0, method = 0;
    std::uint32_t crc = 0;
    std::uint64_t stored = 0, size = 0, offset = 0;
};

// Sizes and offset that did not fit into 32 bits are in extra field 1, in this order, each only where its field is all
// ones.
void take_zip64(Header& header, const Fields& fields, std::size_t extra_at, std::size_t extra_size, bool central) {
    constexpr std::uint64_t kAllOnes = 0xffffffff;
    std::vector<std::uint64_t*> wanted;
    if (header.size == kAllOnes) wanted.push_back(&header.size);
    if (header.stored == kAllOnes) wanted.push_back(&header.stored);
    if (central && header.offset == kAllOnes) wanted.push_back(&header.offset);
    bool seen = false;
    for (std::size_t at = extra_at; at < extra_at + extra_size;) {
        if (at + 4 > extra_at + extra_size) corrupt("has a damaged extra field");
        const std::size_t id = fields.u16(at);
        const std::size_t length = fields.u16(at + 2);
        if (at + 4 + length > extra_at + extra_size) corrupt("has a damaged extra field");
        if (id == 1) {
            if (seen) corrupt("has a repeated zip64 field");
            seen = true;
            if (length < wanted.size() * 8) corrupt("has a zip64 field that is too short");
            for (std::size_t i = 0; i < wanted.size(); ++i) *wanted[i] = fields.u64(at + 4 + i * 8);
        }
        at += 4 + length;
    }
    if (!wanted.empty() && !seen) corrupt("lacks a zip64 field");
}

struct End {
    std::uint64_t entries = 0, size = 0, offset = 0;
    std::uint64_t directory_end = 0;  // where the end records begin
    bool garbage = false;
};

std::optional<End> end_record_at(const ArchiveSource& source, std::uint64_t at) {
    const Fields fields = read(source, at, kEndSize);
    End end;
    if (fields.u32(0) != kEndRecord || fields.u16(4) != 0 || fields.u16(6) != 0 || fields.u16(8) != fields.u16(10)) {
        return std::nullopt;
    }
    end.entries = fields.u16(10);
    end.size = fields.u32(12);
    end.offset = fields.u32(16);
    end.directory_end = at;
    const std::uint64_t comment = fields.u16(20);
    if (end.size == 0xffffffff || end.offset == 0xffffffff || end.entries == 0xffff) {
        if (at < kLocatorSize + kZip64EndSize) return std::nullopt;
        const Fields locator = read(source, at - kLocatorSize, kLocatorSize);
        const std::uint64_t record_at = at - kLocatorSize - kZip64EndSize;
        if (locator.u32(0) != kZip64Locator || locator.u64(8) != record_at) return std::nullopt;
        const Fields record = read(source, record_at, kZip64EndSize);
        if (record.u32(0) != kZip64EndRecord || record.u64(4) != kZip64EndSize - 12) return std::nullopt;
        end.entries = record.u64(32);
        end.size = record.u64(40);
        end.offset = record.u64(48);
        end.directory_end = record_at;
    }
    if (end.offset > end.directory_end || end.directory_end - end.offset != end.size) return std::nullopt;
    end.garbage = at + kEndSize + comment != source.size() || comment != 0;
    return end;
}

End find_end(const ArchiveSource& source) {
    constexpr std::uint64_t kReach = 65535 + kEndSize;
    if (source.size() < kEndSize) corrupt("is too short to be a zip file");
    const std::uint64_t from = source.size() > kReach ? source.size() - kReach : 0;
    std::string tail(source.size() - from, '\0');
    if (source.read_at(from, tail) != tail.size()) corrupt("breaks off");
    for (std::size_t at = tail.rfind("PK\x05\x06"); at != std::string::npos;
         at = at == 0 ? std::string::npos : tail.rfind("PK\x05\x06", at - 1)) {
        if (tail.size() - at < kEndSize) continue;
        if (auto end = end_record_at(source, from + at)) return *end;
    }
    corrupt("has no valid end record: it is not a zip file, or was cut off");
}

std::vector<Header> read_central(const ArchiveSource& source, const End& end) {
    if (end.entries != 3 || end.size > kMaxCentral) {
        corrupt(
            fmt::format("has {} members; metadata.json, pkg-*.tar.zst and info-*.tar.zst belong there and nothing else",
                        end.entries));
    }
    const Fields fields = read(source, end.offset, end.size);
    std::vector<Header> headers;
    std::size_t at = 0;
    for (std::uint64_t i = 0; i < end.entries; ++i) {
        if (fields.u32(at) != kCentralHeader) corrupt("has a damaged directory");
        Header header;
        header.flags = fields.u16(at + 8);
        header.method = fields.u16(at + 10);
        header.crc = fields.u32(at + 16);
        header.stored = fields.u32(at + 20);
        header.size = fields.u32(at + 24);
        const std::size_t name = fields.u16(at + 28);
        const std::size_t extra = fields.u16(at + 30);
        const std::size_t comment = fields.u16(at + 32);
        if (fields.u16(at + 34) != 0) corrupt("spans several disks");
        header.offset = fields.u32(at + 42);
        header.name = fields.text(at + kCentralSize, name);
        take_zip64(header, fields, at + kCentralSize + name, extra, true);
        at += kCentralSize + name + extra + comment;
        headers.push_back(std::move(header));
    }
    if (at != fields.size()) corrupt("has a directory of another length than it says");
    return headers;
}

// Where the member's data begins.
std::uint64_t check_local(const ArchiveSource& source, const Header& central) {
    const Fields fixed = read(source, central.offset, kLocalSize);
    if (fixed.u32(0) != kLocalHeader) corrupt(fmt::format("has no local header for {}", central.name));
    const std::size_t name = fixed.u16(26);
    const std::size_t extra = fixed.u16(28);
    const Fields fields = read(source, central.offset, kLocalSize + name + extra);
    Header local;
    local.flags = fields.u16(6);
    local.method = fields.u16(8);
    local.crc = fields.u32(14);
    local.stored = fields.u32(18);
    local.size = fields.u32(22);
    local.name = fields.text(kLocalSize, name);
    take_zip64(local, fields, kLocalSize + name, extra, false);
    if (((local.flags | central.flags) & kDataDescriptor) != 0) {
        corrupt(fmt::format("has a data descriptor for {}", central.name));
    }
    if (local.name != central.name || local.flags != central.flags || local.method != central.method ||
        local.crc != central.crc || local.stored != central.stored || local.size != central.size) {
        corrupt(fmt::format("has a local header for {} that contradicts the directory", central.name));
    }
    if ((local.flags & ~kUtf8Names) != 0) corrupt(fmt::format("has unknown flags on {}", central.name));
    if (local.method != 0 || local.stored != local.size) {
        corrupt(fmt::format("holds {} compressed; members have to be stored", central.name));
    }
    return central.offset + kLocalSize + name + extra;
}

std::uint32_t crc32(std::string_view bytes) {
    std::uint32_t crc = ~std::uint32_t{0};
    for (const char c : bytes) {
        crc ^= static_cast<unsigned char>(c);
        for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xedb88320U : 0U);
    }
    return ~crc;
}

void check_metadata(const ArchiveSource& source, const Header& header, std::uint64_t data) {
    if (header.size > kMaxMetadata) corrupt("has a metadata.json that is too long");
    const std::string text = read(source, data, header.size).text(0, header.size);
    if (crc32(text) != header.crc) corrupt("has a metadata.json with a wrong checksum");
    const auto json = Json::parse(text);
    if (!json || !json->is_object()) corrupt("has a metadata.json that is no JSON object");
    const Json& version = (*json)["conda_pkg_format_version"];
    if (!version.is_int()) corrupt("has a metadata.json without conda_pkg_format_version");
    if (version.as_int() != 2) {
        corrupt(fmt::format("is of format version {}; only version 2 is known", version.as_int()));
    }
}

// The <stem> of "<prefix><stem>.tar.zst".
std::optional<std::string_view> stem_of(std::string_view name, std::string_view prefix) {
    constexpr std::string_view kSuffix = ".tar.zst";
    if (!name.starts_with(prefix) || !name.ends_with(kSuffix) || name.size() <= prefix.size() + kSuffix.size()) {
        return std::nullopt;
    }
    if (name.find('/') != std::string_view::npos || name.find('\\') != std::string_view::npos) return std::nullopt;
    return name.substr(prefix.size(), name.size() - prefix.size() - kSuffix.size());
}

}  // namespace

CondaContainer CondaContainer::read(const ArchiveSource& source) {
    const End end = find_end(source);
    std::vector<Header> headers = read_central(source, end);
    std::ranges::sort(headers, {}, &Header::offset);

    CondaContainer container;
    if (end.garbage) container.warnings.emplace_back("there are bytes after the end of the .conda container");
    std::optional<std::string> payload_stem;
    std::optional<std::string> info_stem;
    bool metadata = false;
    std::uint64_t expected = 0;
    for (const Header& header : headers) {
        if (header.offset != expected) corrupt(fmt::format("has a gap or an overlap before {}", header.name));
        const std::uint64_t data = check_local(source, header);
        if (header.size > end.offset || data > end.offset - header.size) {
            corrupt(fmt::format("says that {} has {} bytes, which it has not", header.name, header.size));
        }
        expected = data + header.size;
        if (header.name == "metadata.json" && !metadata) {
            check_metadata(source, header, data);
            metadata = true;
        } else if (const auto stem = stem_of(header.name, "pkg-"); stem && !payload_stem) {
            payload_stem = *stem;
            container.payload = {data, header.size};
        } else if (const auto info = stem_of(header.name, "info-"); info && !info_stem) {
            info_stem = *info;
            container.info = {data, header.size};
        } else {
            corrupt("has a member that does not belong there, or twice the same");
        }
    }
    if (expected != end.offset) corrupt("has a gap before its directory");
    if (payload_stem != info_stem) corrupt("has a pkg- and an info- member of different names");
    return container;
}

}  // namespace envbuild::conda
