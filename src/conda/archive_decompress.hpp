// Decompressed bytes of one stretch of an archive, pulled. Used by archive.cpp alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "conda/archive_source.hpp"

namespace envbuild::conda {

// Not thread-safe. Errors are Corrupt: damaged or truncated data, or more output than the budget.
class ByteStream {
  public:
    virtual ~ByteStream() = default;
    // At least one byte, 0 at the end.
    [[nodiscard]] std::size_t read(std::span<char> into);
    // There were bytes after the compressed data's end; known at the end.
    [[nodiscard]] bool trailing_garbage() const { return trailing_garbage_; }

    // Concatenated streams (frames) count as one. `source` must outlive the stream.
    [[nodiscard]] static std::unique_ptr<ByteStream> bzip2(const ArchiveSource& source, std::uint64_t offset,
                                                           std::uint64_t size, std::uint64_t budget);
    [[nodiscard]] static std::unique_ptr<ByteStream> zstd(const ArchiveSource& source, std::uint64_t offset,
                                                          std::uint64_t size, std::uint64_t budget);

  protected:
    ByteStream(const ArchiveSource& source, std::uint64_t offset, std::uint64_t size, std::uint64_t budget);

    [[nodiscard]] virtual std::size_t produce(std::span<char> into) = 0;
    // What is buffered of the compressed bytes, filled up to at least `wanted` of them where there are so many left.
    [[nodiscard]] std::span<char> input(std::size_t wanted);
    void consume(std::size_t count) { begin_ += count; }

    bool trailing_garbage_ = false;

  private:
    const ArchiveSource& source_;
    std::uint64_t offset_, left_, budget_, produced_ = 0;
    std::unique_ptr<char[]> buffer_;
    std::size_t begin_ = 0, end_ = 0;
};

}  // namespace envbuild::conda
