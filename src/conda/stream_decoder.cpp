#include "conda/stream_decoder.hpp"

#include <bzlib.h>
#include <fmt/format.h>
#include <zstd.h>

#include <vector>

#include "base/error.hpp"
#include "base/strings.hpp"

namespace envbuild::conda {

namespace {

class ZstdDecoder : public StreamDecoder {
  public:
    ZstdDecoder() : stream_(ZSTD_createDStream(), &ZSTD_freeDStream), buffer_(ZSTD_DStreamOutSize()) {
        if (!stream_) throw std::bad_alloc();
    }

    void write(std::string_view bytes, const Sink& sink) override {
        if (bytes.empty()) return;
        started_ = true;
        ZSTD_inBuffer input{bytes.data(), bytes.size(), 0};
        while (true) {
            ZSTD_outBuffer output{buffer_.data(), buffer_.size(), 0};
            const std::size_t left = ZSTD_decompressStream(stream_.get(), &output, &input);
            if (ZSTD_isError(left) != 0)
                throw Error(ErrorKind::Corrupt, fmt::format("broken zstd data: {}", ZSTD_getErrorName(left)));
            inside_frame_ = left != 0;
            if (output.pos > 0) sink({buffer_.data(), output.pos});
            // A full buffer may mean that more is held back, but not at a frame's end: to ask on would begin another
            // frame.
            if (input.pos == input.size && (left == 0 || output.pos < output.size)) return;
        }
    }

    void finish() const override {
        if (!started_ || inside_frame_) throw Error(ErrorKind::Corrupt, "the zstd data breaks off before its end");
    }

  private:
    std::unique_ptr<ZSTD_DStream, decltype(&ZSTD_freeDStream)> stream_;
    std::vector<char> buffer_;
    bool inside_frame_ = false, started_ = false;
};

class Bzip2Decoder : public StreamDecoder {
  public:
    Bzip2Decoder() = default;
    ~Bzip2Decoder() override { close(); }
    Bzip2Decoder(const Bzip2Decoder&) = delete;
    Bzip2Decoder& operator=(const Bzip2Decoder&) = delete;

    void write(std::string_view bytes, const Sink& sink) override {
        std::string held(bytes);  // the library takes bytes that it may write to, and does not
        state_.next_in = held.data();
        state_.avail_in = static_cast<unsigned>(held.size());
        while (true) {
            if (!open_) {
                if (state_.avail_in == 0) return;
                char* const next = state_.next_in;
                const unsigned left = state_.avail_in;
                state_ = {};
                if (BZ2_bzDecompressInit(&state_, 0, 0) != BZ_OK) throw std::bad_alloc();
                open_ = true;
                state_.next_in = next;
                state_.avail_in = left;
            }
            state_.next_out = buffer_.data();
            state_.avail_out = static_cast<unsigned>(buffer_.size());
            const int result = BZ2_bzDecompress(&state_);
            if (result != BZ_OK && result != BZ_STREAM_END)
                throw Error(ErrorKind::Corrupt, fmt::format("broken bzip2 data (error {})", result));
            const std::size_t made = buffer_.size() - state_.avail_out;
            if (made > 0) sink({buffer_.data(), made});
            if (result == BZ_STREAM_END) {
                whole_ = true;
                close();
            } else if (state_.avail_in == 0 && state_.avail_out > 0) {
                return;
            }
        }
    }

    void finish() const override {
        if (open_ || !whole_) throw Error(ErrorKind::Corrupt, "the bzip2 data breaks off before its end");
    }

  private:
    void close() {
        if (open_) BZ2_bzDecompressEnd(&state_);
        open_ = false;
    }

    bz_stream state_{};
    std::vector<char> buffer_ = std::vector<char>(1 << 17);
    bool open_ = false, whole_ = false;
};

}  // namespace

std::unique_ptr<StreamDecoder> StreamDecoder::for_start(std::string_view start) {
    if (start.starts_with(std::string_view("\x28\xb5\x2f\xfd", 4))) return std::make_unique<ZstdDecoder>();
    if (start.starts_with("BZh")) return std::make_unique<Bzip2Decoder>();
    return nullptr;
}

std::string decompress(std::string_view bytes, std::uint64_t limit, std::string_view shown) {
    std::string out;
    try {
        const auto decoder = StreamDecoder::for_start(bytes.substr(0, 4));
        if (!decoder) throw Error(ErrorKind::Corrupt, "it is neither zstd nor bzip2");
        decoder->write(bytes, [&](std::string_view part) {
            if (out.size() + part.size() > limit)
                throw Error(ErrorKind::Corrupt, fmt::format("it is larger than {}", human_bytes(limit)));
            out += part;
        });
        decoder->finish();
    } catch (Error& error) {
        error.add_context(std::string(shown));
        throw;
    }
    return out;
}

}  // namespace envbuild::conda
