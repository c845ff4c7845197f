// A build context as a tar stream, made while it is read: files on the disk are opened one after the other, none is
// held whole.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/byte_stream.hpp"
#include "base/fs.hpp"

namespace envbuild::layer {

// A file of a context: bytes in memory, or a file on the disk where `file` is not empty. Folders above files come by
// themselves.
struct ContextFile {
    enum class Kind : std::uint8_t { File, Symlink, Folder };

    std::string path;   // relative, "envbuild/install.json"
    std::string bytes;  // of a Symlink: its target
    std::filesystem::path file;
    std::uint32_t mode = 0644;
    Kind kind = Kind::File;
};

// The tar of `files` and of the folders above them: sorted by path, owner 0:0, mtime fixed, so that the same files give
// the same stream. Owns its list; the files on the disk must stay as they are until the stream has ended.
class ContextStream final : public ByteSource {
  public:
    // InvalidInput for a path that is absolute, has "..", comes twice or is both file and folder; NotFound / Io where a
    // file on the disk is not there or no regular file.
    explicit ContextStream(std::vector<ContextFile> files, std::int64_t mtime = 0);

    // Io where a file on the disk changed its size since the stream was made.
    std::size_t read(char* buffer, std::size_t size) override;
    [[nodiscard]] std::optional<std::uint64_t> size() const override { return total_; }
    bool rewind() override;

  private:
    struct Item {
        std::string header;  // header blocks and, for a file in memory, its data and padding
        std::filesystem::path file;
        std::uint64_t size = 0;  // of `file`
    };
    static Item item_of(const ContextFile& file, std::int64_t mtime);
    void open_file();

    std::vector<Item> items_;
    std::uint64_t total_ = 0;
    std::size_t index_ = 0;        // of the item being sent
    std::size_t header_sent_ = 0;  // of its header
    std::uint64_t file_sent_ = 0;  // of its file and padding
    UniqueFd fd_;
};

}  // namespace envbuild::layer
