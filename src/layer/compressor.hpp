// Parallel, deterministic compression of a stream: cut into blocks of a fixed size that are compressed on a few threads
// and written in order. The output depends on the input and the codec, not on threads or on how the input came.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "base/byte_stream.hpp"
#include "layer/codec.hpp"

namespace envbuild::layer {

// gzip: one member (RFC 1952) with a fixed header (no name, no time, OS 255); each block is deflated with the 32 KiB
// before it as dictionary and ends on a byte (RFC 1951, an empty stored block), as pigz does. zstd: one frame (RFC
// 8878) a block, with content size and checksum. Holds at most some two blocks a thread. One thread may call it.
class Compressor {
  public:
    // `sink` is called on the calling thread. threads 0: one a core.
    Compressor(Codec codec, ByteSink sink, std::size_t threads = 0);
    ~Compressor();  // before finish(): what runs is waited for, the output stays incomplete
    Compressor(const Compressor&) = delete;
    Compressor& operator=(const Compressor&) = delete;

    void write(std::string_view bytes);
    void finish();  // once

    static constexpr std::size_t kGzipBlock = 1U << 20;
    static constexpr std::size_t kZstdBlock = 4U << 20;

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace envbuild::layer
