// Random access to the bytes of a package file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

namespace envbuild::conda {

// Immutable bytes. Thread-safe: read_at keeps no position.
class ArchiveSource {
  public:
    virtual ~ArchiveSource() = default;
    [[nodiscard]] virtual std::uint64_t size() const = 0;
    // Fills `into` from `offset` on, short only at the end. Error(Io) when the file cannot be read.
    virtual std::size_t read_at(std::uint64_t offset, std::span<char> into) const = 0;

    // NotFound or Io when it cannot be opened. The file has to stay as it is while the source lives.
    [[nodiscard]] static std::shared_ptr<const ArchiveSource> from_file(const std::filesystem::path& path);
    [[nodiscard]] static std::shared_ptr<const ArchiveSource> from_bytes(std::string bytes);
};

}  // namespace envbuild::conda
