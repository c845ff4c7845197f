// One entry of a package, after validation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace envbuild::conda {

enum class EntryKind : std::uint8_t { File, Directory, Symlink, Hardlink };

struct ArchiveEntry {
    std::string path;  // relative, UTF-8, '/' between components, without "." or ".." or an empty component
    EntryKind kind = EntryKind::File;
    std::uint32_t mode = 0644;  // permission bits alone: set-id and sticky bits never pass the validator
    std::int64_t mtime = 0;     // whole seconds
    std::uint64_t size = 0;     // of a File; 0 otherwise
    std::string link_target;    // Symlink: as written, never to be followed. Hardlink: the path of an earlier File of
                                // this archive
};

// The content of one file, read once from front to back. Not thread-safe.
class ContentReader {
  public:
    virtual ~ContentReader() = default;
    // Fills up to `into.size()` bytes; 0 only at the end. Error(Corrupt) when the archive breaks off.
    [[nodiscard]] virtual std::size_t read(std::span<char> into) = 0;
    // What is left of it. Error(Corrupt) when that is more than `limit` bytes.
    [[nodiscard]] std::string read_all(std::uint64_t limit = UINT64_MAX);
};

// Content that is already in memory; keeps its own copy.
class StringReader : public ContentReader {
  public:
    explicit StringReader(std::string text) : text_(std::move(text)) {}
    [[nodiscard]] std::size_t read(std::span<char> into) override;
    [[nodiscard]] std::size_t size() const { return text_.size(); }  // of all of it

  private:
    std::string text_;
    std::size_t position_ = 0;
};

}  // namespace envbuild::conda
