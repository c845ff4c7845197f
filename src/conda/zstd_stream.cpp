#include "conda/zstd_stream.hpp"

#include <fmt/format.h>
#include <zstd.h>

#include <string>
#include <vector>

#include "base/error.hpp"

namespace envbuild::conda {

struct ZstdStream::State {
    std::unique_ptr<ZSTD_DStream, decltype(&ZSTD_freeDStream)> stream{ZSTD_createDStream(), &ZSTD_freeDStream};
    std::vector<char> buffer = std::vector<char>(ZSTD_DStreamOutSize());
    bool inside_frame = false, started = false;
};

ZstdStream::ZstdStream() : state_(std::make_unique<State>()) {
    if (!state_->stream) throw std::bad_alloc();
}
ZstdStream::~ZstdStream() = default;

void ZstdStream::write(std::string_view bytes, const Sink& sink) {
    if (bytes.empty()) return;
    state_->started = true;
    ZSTD_inBuffer input{bytes.data(), bytes.size(), 0};
    while (true) {
        ZSTD_outBuffer output{state_->buffer.data(), state_->buffer.size(), 0};
        const std::size_t left = ZSTD_decompressStream(state_->stream.get(), &output, &input);
        if (ZSTD_isError(left) != 0) {
            throw Error(ErrorKind::Corrupt, fmt::format("broken zstd data: {}", ZSTD_getErrorName(left)));
        }
        state_->inside_frame = left != 0;
        if (output.pos > 0) sink({state_->buffer.data(), output.pos});
        // A full buffer may mean that more is held back, but not at a frame's end: to ask on would begin another frame.
        if (input.pos == input.size && (left == 0 || output.pos < output.size)) return;
    }
}

void ZstdStream::finish() const {
    if (!state_->started || state_->inside_frame)
        throw Error(ErrorKind::Corrupt, "the zstd data breaks off before its end");
}

bool ZstdStream::is_zstd(std::string_view start) {
    return start.starts_with(std::string_view("\x28\xb5\x2f\xfd", 4));
}

}  // namespace envbuild::conda
