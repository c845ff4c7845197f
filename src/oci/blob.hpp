// Blobs as streams: what layers, configs and manifests are read from and written from, wherever they lie.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "base/digest.hpp"
#include "oci/descriptor.hpp"

namespace envbuild::oci {

// Bytes that are read once, front to back. Not thread-safe.
class BlobReader {
  public:
    virtual ~BlobReader() = default;
    // Up to `size` bytes (`size` > 0); 0 at the end, and only when what the reader promises of the whole has been
    // checked.
    [[nodiscard]] virtual std::size_t read(char* buffer, std::size_t size) = 0;
};

// Content that can be read again and again: an upload that breaks starts over from a new reader. Thread-safe.
class BlobSource {
  public:
    virtual ~BlobSource() = default;
    [[nodiscard]] virtual std::unique_ptr<BlobReader> open() const = 0;
};

[[nodiscard]] std::shared_ptr<const BlobSource> bytes_source(std::string bytes);
[[nodiscard]] std::shared_ptr<const BlobSource> file_source(std::filesystem::path path);

// Passes `inner` through and throws Error(Corrupt), naming `what`, instead of the end (0) where size or digest differ
// from the descriptor's; a byte beyond the size is refused at once.
class VerifyingReader : public BlobReader {
  public:
    VerifyingReader(std::unique_ptr<BlobReader> inner, const Descriptor& expected, std::string what);
    std::size_t read(char* buffer, std::size_t size) override;

  private:
    std::unique_ptr<BlobReader> inner_;
    Digest digest_;
    std::uint64_t expected_size_, seen_ = 0;
    Sha256 hash_;
    std::string what_;
    bool checked_ = false;
};

// All of it. Error(Corrupt) beyond `limit` bytes.
[[nodiscard]] std::string read_all(BlobReader& reader, std::uint64_t limit);

}  // namespace envbuild::oci
