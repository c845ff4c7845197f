// Conda packages as streams of validated entries: `.tar.bz2`, and `.conda` (CEP "conda package format, version 2").
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "conda/archive_entry.hpp"
#include "conda/archive_source.hpp"

namespace envbuild::conda {

// Past any of these a package is refused as a bomb.
struct ArchiveLimits {
    std::uint64_t max_unpacked = std::uint64_t{256} << 30;  // bytes of the tar stream
    std::uint64_t free_unpacked = std::uint64_t{64} << 20;  // allowed however small the archive is…
    std::uint64_t max_ratio = 1000;                         // …and beyond it this many bytes for each compressed one
    std::uint64_t max_entries = 500'000;
    std::uint64_t max_entry = std::uint64_t{64} << 30;  // bytes of one file
};

// A package archive. It is only ever streamed: nothing is unpacked onto the disk, no entry's path is ever used as one.
// Every pass goes through the one validator, which refuses (Error Corrupt, naming package and entry):
//   names that are absolute, climb ("..", also inside), hold NUL, '\' as in "C:\x" or a drive letter, are not UTF-8,
//   "." or empty, or are longer than 4096 bytes (255 a component); basenames that begin ".wh." (they would be whiteouts
//   in a layer); the same path twice, a path below a file or a symlink of the archive, a file where a directory was
//   needed; hard links to anything but an earlier regular file, or with data; devices, FIFOs and sockets; tar headers
//   with a wrong checksum or field, unknown types; an archive that ends early; more bytes or entries than
//   ArchiveLimits; `.conda` containers that are not exactly metadata.json (version 2), one pkg-<name>.tar.zst and one
//   info-<name>.tar.zst, stored, at the top level, with local headers that agree with the central directory.
// Symlinks are leaves and may be absolute or dangle. Set-id and sticky bits, extended attributes, ACLs and owners are
// dropped with a warning; so are told names that differ only in case, and garbage after the end. Thread-safe to use;
// each visit reads the archive anew.
class CondaArchive {
  public:
    enum class Part : std::uint8_t {
        Info,     // what lies under info/
        Payload,  // everything else
        All,
    };
    // Receives the entries in archive order; the reader is valid during the call and gives a File's content (nothing
    // for other kinds). What is not read is skipped. Return false to stop early.
    using Visitor = std::function<bool(const ArchiveEntry& entry, ContentReader& content)>;

    // The format follows from the name's ending; InvalidInput for another one. Reads the `.conda` container's
    // directory.
    [[nodiscard]] static CondaArchive open(const std::filesystem::path& file, const ArchiveLimits& limits = {});
    [[nodiscard]] static CondaArchive open(std::string file_name, std::shared_ptr<const ArchiveSource> source,
                                           const ArchiveLimits& limits = {});

    [[nodiscard]] const std::string& file_name() const { return file_name_; }
    // Gives the warnings of this pass, each a line that names package and entry. A visit of one part of a `.conda`
    // reads only that part.
    std::vector<std::string> visit(Part part, const Visitor& visitor) const;

  private:
    struct Stream;  // one compressed tar within the source
    enum class Compression : std::uint8_t { Bzip2, Zstd };
    struct Extent {
        Compression compression = Compression::Bzip2;
        Part holds = Part::All;
        std::uint64_t offset = 0, size = 0;
    };

    CondaArchive() = default;

    std::string file_name_;
    std::shared_ptr<const ArchiveSource> source_;
    ArchiveLimits limits_;
    std::vector<Extent> extents_;  // payload before info, as conda unpacks them
    std::vector<std::string> container_warnings_;
};

}  // namespace envbuild::conda
