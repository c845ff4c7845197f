// Decompresses a stream that is pushed at it: gzip (also several members), zstd (several frames) or nothing, by its
// first bytes.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "base/byte_stream.hpp"

namespace envbuild::layer {

class Decompressor {
  public:
    static constexpr std::uint64_t kDefaultLimit = 256ULL << 30;

    // Corrupt is thrown when more than `limit` bytes come out.
    explicit Decompressor(ByteSink sink, std::uint64_t limit = kDefaultLimit);
    ~Decompressor();
    Decompressor(const Decompressor&) = delete;
    Decompressor& operator=(const Decompressor&) = delete;

    void feed(std::string_view bytes);  // Corrupt
    void finish();                      // Corrupt where the stream is cut short

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

// By magic number: gzip or zstd.
[[nodiscard]] bool looks_compressed(std::string_view first_bytes);

}  // namespace envbuild::layer
