// The directory of a zip archive (PKWARE APPNOTE), as wheels are (PEP 427): which members there are, and what one of
// them holds.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/fs.hpp"

namespace envbuild {

// Bytes that can be read anywhere: of a file, or of one on a server. Not thread-safe.
class RandomBytes {
  public:
    virtual ~RandomBytes() = default;
    [[nodiscard]] virtual std::uint64_t size() const = 0;
    // Exactly these bytes, which lie within size(). Throws Error.
    [[nodiscard]] virtual std::string read(std::uint64_t offset, std::uint64_t size) = 0;
};

// A file on this machine. Throws Error as read_file does.
[[nodiscard]] std::unique_ptr<RandomBytes> open_file(const fs::path& path);

class ZipDirectory {
  public:
    struct Member {
        std::string name;  // as it is written, always UTF-8
        std::uint16_t flags = 0, method = 0;
        std::uint32_t crc = 0, attributes = 0;  // attributes: the upper half holds the Unix mode
        std::int64_t mtime = 0;                 // seconds, its clock read as UTC; 0 where it is no time
        std::uint64_t stored = 0, size = 0;     // bytes in the archive, and unpacked
        std::uint64_t offset = 0;               // of its local header
    };

    // Reads the end record (zip64 too) and the central directory, and nothing else. `what` names the archive in
    // messages. Corrupt where it is no zip file, is cut off, holds a name twice, or is encrypted or split.
    [[nodiscard]] static ZipDirectory read(RandomBytes& bytes, std::string what);

    [[nodiscard]] const std::vector<Member>& members() const { return members_; }  // as in the directory
    [[nodiscard]] const Member* find(std::string_view name) const;
    // Where the data begins, counted from the local header that `head` begins with: its 30 bytes, the name, and
    // whatever follows. Corrupt where the header contradicts the directory.
    [[nodiscard]] std::uint64_t check_local(std::string_view head, const Member& member) const;
    // How many bytes of `head` check_local needs.
    [[nodiscard]] std::uint64_t header_reach(const Member& member) const;
    [[nodiscard]] const std::string& what() const { return what_; }
    // The member, unpacked and checked by its CRC. Corrupt too where it has more than `limit` bytes, where its local
    // header contradicts the directory, or where it is packed otherwise than by deflate.
    [[nodiscard]] std::string unpack(RandomBytes& bytes, const Member& member, std::uint64_t limit) const;

  private:
    std::vector<Member> members_;
    std::string what_;
    std::uint64_t begin_ = 0;  // of the directory: members lie before it
};

}  // namespace envbuild
