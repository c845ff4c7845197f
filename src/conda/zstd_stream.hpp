// Decompression of a zstd stream as it comes. Internal to conda/.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

namespace envbuild::conda {

// One or more frames in a row (RFC 8878). Not thread-safe.
class ZstdStream {
  public:
    using Sink = std::function<void(std::string_view)>;

    ZstdStream();
    ~ZstdStream();
    ZstdStream(const ZstdStream&) = delete;

    // Gives what the bytes decompress to. Error(Corrupt) where they are not zstd.
    void write(std::string_view bytes, const Sink& sink);
    // Error(Corrupt) where the stream broke off inside of a frame.
    void finish() const;

    [[nodiscard]] static bool is_zstd(std::string_view start);  // the magic number; needs 4 bytes

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace envbuild::conda
