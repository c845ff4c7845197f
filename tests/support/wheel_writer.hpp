// Zip archives and wheels for tests, member by member, so that each can be made wrong.
#pragma once

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.hpp"
#include "base/strings.hpp"

namespace envbuild::testing {

struct ZipPart {
    std::string name = {}, bytes = {};
    bool deflated = true;
    std::uint16_t flags = 0;
    std::string local_name = {};            // of the local header, where it shall be another
    std::optional<std::uint32_t> crc = {};  // where it shall be wrong
    std::optional<std::uint32_t> size = {};
    std::uint32_t mode = 0100644;
    std::uint16_t time = 0, date = 0;
    std::optional<std::uint16_t> method = {};
    std::optional<std::uint32_t> offset = {};
    bool zip64 = false;  // sizes and offset in the extra field of the directory
};

struct ZipOptions {
    std::string comment = {};
    bool zip64 = false;  // the end record alone
};

[[nodiscard]] inline std::string zip_number(std::uint64_t value, std::size_t width) {
    std::string out;
    for (std::size_t i = 0; i < width; ++i) out += static_cast<char>(value >> (8 * i) & 0xff);
    return out;
}

[[nodiscard]] inline std::string deflate_all(const std::string& bytes) {
    z_stream stream{};
    ::deflateInit2(&stream, 6, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
    std::string out(::deflateBound(&stream, bytes.size()), '\0');
    std::string in = bytes;
    stream.next_in = reinterpret_cast<Bytef*>(in.data());
    stream.avail_in = static_cast<uInt>(in.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    ::deflate(&stream, Z_FINISH);
    out.resize(stream.total_out);
    ::deflateEnd(&stream);
    return out;
}

[[nodiscard]] inline std::string make_zip(const std::vector<ZipPart>& members, const ZipOptions& options = {}) {
    const auto number = zip_number;
    std::string out, directory;
    for (const auto& member : members) {
        const std::string stored = member.deflated ? deflate_all(member.bytes) : member.bytes;
        const auto real =
            ::crc32(0, reinterpret_cast<const Bytef*>(member.bytes.data()), static_cast<uInt>(member.bytes.size()));
        const std::string local_name = member.local_name.empty() ? member.name : member.local_name;
        // From "flags" to the checksum, the same in both headers.
        const std::string common = number(member.flags, 2) +
                                   number(member.method.value_or(member.deflated ? 8 : 0), 2) + number(member.time, 2) +
                                   number(member.date, 2) +
                                   number(member.crc.value_or(static_cast<std::uint32_t>(real)), 4);
        const std::uint64_t size = member.size.value_or(member.bytes.size());
        const std::uint64_t offset = member.offset.value_or(out.size());
        const std::uint64_t ones = 0xffffffff;
        const std::string extra =
            member.zip64 ? number(1, 2) + number(24, 2) + number(size, 8) + number(stored.size(), 8) + number(offset, 8)
                         : "";
        directory += "PK\x01\x02" + number(0x031e, 2) + number(20, 2) + common +
                     number(member.zip64 ? ones : stored.size(), 4) + number(member.zip64 ? ones : size, 4) +
                     number(member.name.size(), 2) + number(extra.size(), 2) + number(0, 2) + number(0, 2) +
                     number(0, 2) + number(static_cast<std::uint64_t>(member.mode) << 16 & ones, 4) +
                     number(member.zip64 ? ones : offset, 4) + member.name + extra;
        out += "PK\x03\x04" + number(20, 2) + common + number(stored.size(), 4) + number(size, 4) +
               number(local_name.size(), 2) + number(0, 2) + local_name + stored;
    }
    const std::size_t begin = out.size();
    out += directory;
    if (options.zip64) {
        const std::size_t at = out.size();
        out += "PK\x06\x06" + number(44, 8) + number(45, 2) + number(45, 2) + number(0, 4) + number(0, 4) +
               number(members.size(), 8) + number(members.size(), 8) + number(directory.size(), 8) + number(begin, 8);
        out += "PK\x06\x07" + number(0, 4) + number(at, 8) + number(1, 4);
    }
    const std::uint64_t count = options.zip64 ? 0xffff : members.size();
    out += "PK\x05\x06" + number(0, 2) + number(0, 2) + number(count, 2) + number(count, 2) +
           number(options.zip64 ? 0xffffffff : directory.size(), 4) + number(options.zip64 ? 0xffffffff : begin, 4) +
           number(options.comment.size(), 2) + options.comment;
    return out;
}

// The METADATA of a project with these further lines ("Requires-Dist: x\n").
[[nodiscard]] inline std::string make_metadata(std::string_view name, std::string_view version,
                                               std::string_view more = "") {
    return fmt::format("Metadata-Version: 2.1\nName: {}\nVersion: {}\n{}\nThe description.\n", name, version, more);
}

// A wheel with one module of `payload` bytes that do not compress, and its metadata; nothing is in its RECORD.
[[nodiscard]] inline std::string make_wheel(std::string_view name, std::string_view version,
                                            std::string_view more_metadata = "", std::size_t payload = 10) {
    std::mt19937 random(7);
    std::string noise;
    for (std::size_t i = 0; i < payload; ++i) noise += static_cast<char>(random() & 0xff);
    const std::string info = fmt::format("{}-{}.dist-info/", name, version);
    return make_zip({{.name = fmt::format("{}/data.bin", name), .bytes = noise},
                     {.name = info + "METADATA", .bytes = make_metadata(name, version, more_metadata)},
                     {.name = info + "WHEEL", .bytes = "Wheel-Version: 1.0\n"},
                     {.name = info + "RECORD", .bytes = ""}});
}

// The hash of a file as RECORD spells it.
[[nodiscard]] inline std::string record_hash_of(std::string_view bytes) {
    Sha256 hash;
    hash.update(bytes);
    const auto digest = hash.finish().bytes();
    std::string text = base64({reinterpret_cast<const char*>(digest.data()), digest.size()}, true);
    while (text.ends_with('=')) text.pop_back();
    return "sha256=" + text;
}

// A wheel that is right in every way, but for what a test changes in its members.
class WheelWriter {
  public:
    explicit WheelWriter(std::string project, std::string its_version = "1.0")
        : name(std::move(project)), version(std::move(its_version)) {
        add("METADATA", make_metadata(name, version));
        add("WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n");
    }

    std::string name, version;
    std::string tag = "py3-none-any";
    std::vector<ZipPart> members;
    std::optional<std::string> record;  // in place of the right one
    bool has_record = true;

    [[nodiscard]] std::string info() const { return fmt::format("{}-{}.dist-info/", name, version); }
    [[nodiscard]] std::string file_name() const { return fmt::format("{}-{}-{}.whl", name, version, tag); }

    // Right of the root, 2021-02-03 04:05:06.
    WheelWriter& file(std::string path, std::string bytes, std::uint32_t mode = 0100644) {
        members.push_back({.name = std::move(path),
                           .bytes = std::move(bytes),
                           .mode = mode,
                           .time = 4 << 11 | 5 << 5 | 3,
                           .date = 41 << 9 | 2 << 5 | 3});
        return *this;
    }
    // Below the .dist-info folder; replaces one of that name.
    WheelWriter& add(const std::string& path, std::string bytes) {
        std::erase_if(members, [&](const ZipPart& member) { return member.name == info() + path; });
        return file(info() + path, std::move(bytes));
    }
    WheelWriter& part(ZipPart member) {
        members.push_back(std::move(member));
        return *this;
    }

    [[nodiscard]] std::string right_record() const {
        std::string text;
        for (const auto& member : members) {
            if (member.name.ends_with('/')) continue;
            const bool quote = member.name.find_first_of(",\"") != std::string::npos;
            text +=
                fmt::format("{},{},{}\n", quote ? "\"" + replace_all(member.name, "\"", "\"\"") + "\"" : member.name,
                            record_hash_of(member.bytes), member.bytes.size());
        }
        return text + info() + "RECORD,,\n";
    }
    [[nodiscard]] std::string bytes(const ZipOptions& options = {}) const {
        auto all = members;
        if (has_record) all.push_back({.name = info() + "RECORD", .bytes = record.value_or(right_record())});
        return make_zip(all, options);
    }
};

}  // namespace envbuild::testing
