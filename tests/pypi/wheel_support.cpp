#include "pypi/wheel_support.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <random>

namespace envbuild::testing {

namespace {

std::string number(std::uint64_t value, std::size_t width) {
    std::string out;
    for (std::size_t i = 0; i < width; ++i) out += static_cast<char>(value >> (8 * i) & 0xff);
    return out;
}

std::string deflate_all(const std::string& bytes) {
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

}  // namespace

std::string make_zip(const std::vector<ZipMember>& members, const ZipOptions& options) {
    std::string out, directory;
    for (const auto& member : members) {
        const std::string stored = member.deflated ? deflate_all(member.bytes) : member.bytes;
        const auto real =
            ::crc32(0, reinterpret_cast<const Bytef*>(member.bytes.data()), static_cast<uInt>(member.bytes.size()));
        const std::string local_name = member.local_name.empty() ? member.name : member.local_name;
        // From "flags" to "size", the same in both headers.
        const std::string common = number(member.flags, 2) + number(member.deflated ? 8 : 0, 2) + number(0, 4) +
                                   number(member.crc.value_or(static_cast<std::uint32_t>(real)), 4) +
                                   number(stored.size(), 4) + number(member.size.value_or(member.bytes.size()), 4);
        directory += "PK\x01\x02" + number(0x031e, 2) + number(20, 2) + common + number(member.name.size(), 2) +
                     number(0, 2) + number(0, 2) + number(0, 2) + number(0, 2) + number(0100644U << 16, 4) +
                     number(out.size(), 4) + member.name;
        out +=
            "PK\x03\x04" + number(20, 2) + common + number(local_name.size(), 2) + number(0, 2) + local_name + stored;
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

std::string make_metadata(std::string_view name, std::string_view version, std::string_view more) {
    return fmt::format("Metadata-Version: 2.1\nName: {}\nVersion: {}\n{}\nThe description.\n", name, version, more);
}

std::string make_wheel(std::string_view name, std::string_view version, std::string_view more_metadata,
                       std::size_t payload) {
    std::mt19937 random(7);
    std::string noise;
    for (std::size_t i = 0; i < payload; ++i) noise += static_cast<char>(random() & 0xff);
    const std::string info = fmt::format("{}-{}.dist-info/", name, version);
    return make_zip({{.name = fmt::format("{}/data.bin", name), .bytes = noise},
                     {.name = info + "METADATA", .bytes = make_metadata(name, version, more_metadata)},
                     {.name = info + "WHEEL", .bytes = "Wheel-Version: 1.0\n"},
                     {.name = info + "RECORD", .bytes = ""}});
}

}  // namespace envbuild::testing
