// Decompression of a stream as it comes. Internal to conda/.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace envbuild::conda {

// Not thread-safe. Frames (streams) in a row count as one.
class StreamDecoder {
  public:
    using Sink = std::function<void(std::string_view)>;

    virtual ~StreamDecoder() = default;
    // Gives what the bytes decompress to. Error(Corrupt) where they are damaged.
    virtual void write(std::string_view bytes, const Sink& sink) = 0;
    // Error(Corrupt) where the stream broke off before its end.
    virtual void finish() const = 0;

    // By the magic number: zstd (RFC 8878) or bzip2; null for anything else. `start` is the first four bytes.
    [[nodiscard]] static std::unique_ptr<StreamDecoder> for_start(std::string_view start);
};

// The whole of compressed bytes that are held. Error(Corrupt) where they are damaged, neither zstd nor bzip2, or more
// than `limit` when decompressed; `shown` names them.
[[nodiscard]] std::string decompress(std::string_view bytes, std::uint64_t limit, std::string_view shown);

}  // namespace envbuild::conda
