// One member of a tar archive (POSIX.1-2017, pax), as layers and build contexts hold them, and its bytes on the wire.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace envbuild::layer {

inline constexpr std::size_t kTarBlock = 512;

struct TarEntry {
    enum class Type : std::uint8_t { File, Directory, Symlink, Hardlink, Other };

    std::string path;  // relative, '/'-separated; no "./" in front, no '/' at the end
    Type type = Type::File;
    std::uint32_t mode = 0644;  // permission bits
    std::uint64_t size = 0;     // of the data that follows; 0 for everything but files
    std::string link_target;    // of a Symlink (any text) or a Hardlink (a path in the archive)
    std::int64_t mtime = 0;
    std::uint64_t uid = 0;
    std::uint64_t gid = 0;

    bool operator==(const TarEntry&) const = default;
};

// The entry's header blocks: one ustar header, with a pax extended header in front only where a name, a number or a
// link does not fit into ustar. Equal entries give equal bytes, everywhere. Throws InvalidInput for an entry that tar
// cannot hold (an empty path, a NUL in a name, a link with data, a type of Other).
[[nodiscard]] std::string tar_header(const TarEntry& entry);

// How many zero bytes follow `size` bytes of data.
[[nodiscard]] constexpr std::size_t tar_padding(std::uint64_t size) {
    return static_cast<std::size_t>((kTarBlock - size % kTarBlock) % kTarBlock);
}

// The two zero blocks that end an archive. envbuild pads no further, so that an archive's size follows from its
// entries.
inline constexpr std::size_t kTarEndSize = 2 * kTarBlock;

}  // namespace envbuild::layer
