#include "layer/tar_entry.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/error.hpp"

namespace envbuild::layer {

namespace {

// Offsets and widths of the ustar header, POSIX.1-2017, pax, "ustar Interchange Format".
struct Field {
    std::size_t offset, width;
};
constexpr Field kName{0, 100}, kMode{100, 8}, kUid{108, 8}, kGid{116, 8}, kSize{124, 12}, kMtime{136, 12},
    kChecksum{148, 8}, kType{156, 1}, kLink{157, 100}, kMagic{257, 8}, kMajor{329, 8}, kMinor{337, 8},
    kPrefix{345, 155};

constexpr std::uint64_t octal_limit(Field field) {
    return 1ULL << (3 * (field.width - 1));
}

bool is_ascii(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

void put(std::string& block, Field field, std::string_view text) {
    block.replace(field.offset, std::min(field.width, text.size()), text.substr(0, field.width));
}

void put_octal(std::string& block, Field field, std::uint64_t value) {
    put(block, field, fmt::format("{:0{}o}", value, field.width - 1));
}

// Where a path that is too long for the name field can be cut into prefix and name.
std::optional<std::pair<std::string_view, std::string_view>> split_path(std::string_view path) {
    if (path.size() <= kName.width) return std::pair{std::string_view(), path};
    for (std::size_t i = path.find('/'); i != std::string_view::npos && i <= kPrefix.width; i = path.find('/', i + 1)) {
        const auto name = path.substr(i + 1);
        if (i > 0 && !name.empty() && name.size() <= kName.width) return std::pair{path.substr(0, i), name};
    }
    return std::nullopt;
}

// "LENGTH KEY=VALUE\n", where LENGTH counts itself.
std::string pax_record(std::string_view key, std::string_view value) {
    const std::size_t rest = key.size() + value.size() + 3;
    std::size_t length = rest + 1;
    while (fmt::format_int(length).size() + rest != length) length = rest + fmt::format_int(length).size();
    return fmt::format("{} {}={}\n", length, key, value);
}

std::string finish_block(std::string block) {
    put(block, kChecksum, "        ");
    unsigned sum = 0;
    for (const char c : block) sum += static_cast<unsigned char>(c);
    put(block, kChecksum, fmt::format("{:06o}", sum));
    block[kChecksum.offset + 6] = '\0';
    return block;
}

std::string empty_block(char type) {
    std::string block(kTarBlock, '\0');
    block[kType.offset] = type;
    put(block, kMagic, std::string_view("ustar\00000", 8));
    put_octal(block, kMajor, 0);
    put_octal(block, kMinor, 0);
    return block;
}

std::string pax_header(std::string_view records) {
    std::string block = empty_block('x');
    put(block, kName, "PaxHeader");
    put_octal(block, kMode, 0644);
    put_octal(block, kUid, 0);
    put_octal(block, kGid, 0);
    put_octal(block, kSize, records.size());
    put_octal(block, kMtime, 0);
    std::string bytes = finish_block(std::move(block));
    bytes += records;
    bytes.append(tar_padding(records.size()), '\0');
    return bytes;
}

char type_flag(const TarEntry& entry) {
    switch (entry.type) {
        case TarEntry::Type::File:
            return '0';
        case TarEntry::Type::Hardlink:
            return '1';
        case TarEntry::Type::Symlink:
            return '2';
        case TarEntry::Type::Directory:
            return '5';
        case TarEntry::Type::Other:
            break;
    }
    throw Error(ErrorKind::InvalidInput, fmt::format("{}: neither a file, a folder nor a link", entry.path));
}

void check(const TarEntry& entry) {
    const bool is_link = entry.type == TarEntry::Type::Symlink || entry.type == TarEntry::Type::Hardlink;
    const auto refuse = [&](std::string_view why) {
        throw Error(ErrorKind::InvalidInput, fmt::format("an archive cannot hold the entry '{}': {}", entry.path, why));
    };
    if (entry.path.empty()) refuse("its path is empty");
    if (entry.path.find('\0') != std::string::npos || entry.link_target.find('\0') != std::string::npos)
        refuse("a NUL in its name");
    if (is_link && entry.link_target.empty()) refuse("a link without a target");
    if (!is_link && !entry.link_target.empty()) refuse("a link target on what is no link");
    if (entry.type != TarEntry::Type::File && entry.size != 0) refuse("data on what is no file");
}

}  // namespace

std::string tar_header(const TarEntry& entry) {
    const char type = type_flag(entry);
    check(entry);
    const std::string path = entry.type == TarEntry::Type::Directory ? entry.path + "/" : entry.path;

    std::string records;  // in alphabetical order of their keys
    std::string block = empty_block(type);
    const auto number = [&](std::string_view key, Field field, std::uint64_t value) {
        const bool fits = value < octal_limit(field);
        if (!fits) records += pax_record(key, fmt::to_string(value));
        put_octal(block, field, fits ? value : 0);
    };
    number("gid", kGid, entry.gid);
    if (entry.link_target.size() > kLink.width || !is_ascii(entry.link_target)) {
        records += pax_record("linkpath", entry.link_target);
    } else {
        put(block, kLink, entry.link_target);
    }
    if (entry.mtime < 0) {
        records += pax_record("mtime", fmt::to_string(entry.mtime));
        put_octal(block, kMtime, 0);
    } else {
        number("mtime", kMtime, static_cast<std::uint64_t>(entry.mtime));
    }
    const auto parts = is_ascii(path) ? split_path(path) : std::nullopt;
    if (parts) {
        put(block, kPrefix, parts->first);
        put(block, kName, parts->second);
    } else {
        records += pax_record("path", path);
        put(block, kName, "PaxPath");
    }
    number("size", kSize, entry.size);
    number("uid", kUid, entry.uid);
    put_octal(block, kMode, entry.mode & 07777U);

    block = finish_block(std::move(block));
    return records.empty() ? block : pax_header(records) + block;
}

}  // namespace envbuild::layer
