// Tar headers, read strictly: POSIX ustar and pax (IEEE 1003.1), GNU tar's long names. Used by archive.cpp alone.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "conda/archive_decompress.hpp"

namespace envbuild::conda {

// An entry as the archive has it: nothing about names, links or kinds is checked yet.
struct RawEntry {
    std::string path, link;
    char type = '0';
    std::uint32_t mode = 0;
    std::int64_t mtime = 0;
    std::uint64_t size = 0;
    bool attributes = false;  // came with extended attributes or ACLs, which are not kept
};

// Not thread-safe. Every number, checksum and record length has to be right, and the two blocks of zeros at the end to
// be there: Error(Corrupt) otherwise.
class TarReader {
  public:
    // `stream` must outlive the reader.
    explicit TarReader(ByteStream& stream);

    // Skips what is left of the entry before. Nothing at the end of the archive, which is then read to its last byte.
    [[nodiscard]] std::optional<RawEntry> next();
    // Content of the entry that next() gave.
    [[nodiscard]] std::size_t read(std::span<char> into);
    // The path of the last header that was begun, for messages; "" before the first.
    [[nodiscard]] const std::string& last_path() const { return last_path_; }
    // Something other than zeros follows the end of the archive.
    [[nodiscard]] bool trailing_garbage() const { return trailing_garbage_; }

  private:
    struct Extensions;
    using Block = std::array<char, 512>;

    [[nodiscard]] bool read_block(Block& block, bool end_allowed);
    [[nodiscard]] std::size_t read_some(std::span<char> into);
    [[nodiscard]] std::string read_extension(std::uint64_t size);
    void skip(std::uint64_t count);
    void read_end();

    ByteStream& stream_;
    std::unique_ptr<char[]> buffer_;
    std::size_t begin_ = 0, end_ = 0;
    std::uint64_t content_left_ = 0, padding_ = 0;
    std::string last_path_;
    bool trailing_garbage_ = false;
};

}  // namespace envbuild::conda
