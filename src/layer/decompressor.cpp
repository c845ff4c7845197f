#include "layer/decompressor.hpp"

#include <fmt/format.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <string>

#include "base/error.hpp"

namespace envbuild::layer {

namespace {

constexpr std::string_view kGzipMagic("\x1f\x8b", 2);
constexpr std::string_view kZstdMagic("\x28\xb5\x2f\xfd", 4);
constexpr std::size_t kOutput = 256U << 10;

[[noreturn]] void corrupt(std::string_view why) {
    throw Error(ErrorKind::Corrupt, fmt::format("a compressed layer is damaged: {}", why));
}

}  // namespace

bool looks_compressed(std::string_view first_bytes) {
    return first_bytes.starts_with(kGzipMagic) || first_bytes.starts_with(kZstdMagic);
}

class Decompressor::Impl {
  public:
    Impl(ByteSink sink, std::uint64_t limit) : sink_(std::move(sink)), limit_(limit), output_(kOutput, '\0') {}
    ~Impl() {
        if (form_ == Form::Gzip) inflateEnd(&inflate_);
        ZSTD_freeDStream(zstd_);
    }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    void feed(std::string_view bytes) {
        if (form_ != Form::Unknown) return decode(bytes);
        first_ += bytes;
        if (first_.size() >= kZstdMagic.size()) begin();
    }

    void finish() {
        if (form_ == Form::Unknown) begin();
        if (!complete_) corrupt("it is cut short");
    }

  private:
    enum class Form : std::uint8_t { Unknown, Plain, Gzip, Zstd };

    void begin() {
        form_ = Form::Plain;
        if (first_.starts_with(kGzipMagic)) {
            if (inflateInit2(&inflate_, 16 + MAX_WBITS) != Z_OK)
                throw Error(ErrorKind::Io, "no memory to read a layer");
            form_ = Form::Gzip;
        } else if (first_.starts_with(kZstdMagic)) {
            form_ = Form::Zstd;
            zstd_ = ZSTD_createDStream();
            if (zstd_ == nullptr) throw Error(ErrorKind::Io, "no memory to read a layer");
        }
        const std::string first = std::move(first_);
        decode(first);
    }

    void decode(std::string_view bytes) {
        if (bytes.empty()) return;
        switch (form_) {
            case Form::Gzip:
                return decode_gzip(bytes);
            case Form::Zstd:
                return decode_zstd(bytes);
            default:
                return emit(bytes);
        }
    }

    void decode_gzip(std::string_view bytes) {
        while (!bytes.empty()) {
            if (complete_ && between_) {
                // Some writers pad the file with zeros after the last member.
                if (bytes.front() == '\0') {
                    padded_ = true;
                    bytes.remove_prefix(1);
                    continue;
                }
                if (padded_ || bytes.front() != kGzipMagic.front()) corrupt("something follows the end of gzip data");
                inflateReset(&inflate_);
            }
            between_ = complete_ = false;
            inflate_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
            const auto given = static_cast<uInt>(std::min<std::size_t>(bytes.size(), 1U << 30));
            inflate_.avail_in = given;
            int status = Z_OK;
            do {
                inflate_.next_out = reinterpret_cast<Bytef*>(output_.data());
                inflate_.avail_out = static_cast<uInt>(output_.size());
                status = inflate(&inflate_, Z_NO_FLUSH);
                if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR) {
                    corrupt(inflate_.msg != nullptr ? inflate_.msg : "not gzip");
                }
                emit(std::string_view(output_).substr(0, output_.size() - inflate_.avail_out));
            } while (status == Z_OK && (inflate_.avail_in > 0 || inflate_.avail_out == 0));
            bytes.remove_prefix(given - inflate_.avail_in);
            if (status == Z_STREAM_END) between_ = complete_ = true;
        }
    }

    void decode_zstd(std::string_view bytes) {
        ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
        while (true) {
            ZSTD_outBuffer out{output_.data(), output_.size(), 0};
            const std::size_t hint = ZSTD_decompressStream(zstd_, &out, &in);
            if (ZSTD_isError(hint) != 0) corrupt(ZSTD_getErrorName(hint));
            emit(std::string_view(output_).substr(0, out.pos));
            complete_ = hint == 0;
            // Asking on after the end of a frame would begin another one.
            if (in.pos == in.size && (out.pos < out.size || hint == 0)) return;
        }
    }

    void emit(std::string_view bytes) {
        if (bytes.empty()) return;
        total_ += bytes.size();
        if (total_ > limit_)
            throw Error(ErrorKind::Corrupt, fmt::format("a layer is larger than {} bytes when it is unpacked", limit_));
        sink_(bytes);
    }

    ByteSink sink_;
    std::uint64_t limit_, total_ = 0;
    std::string output_, first_;
    Form form_ = Form::Unknown;
    bool complete_ = true;  // at the end of a gzip member or a zstd frame
    bool between_ = false, padded_ = false;
    z_stream inflate_{};
    ZSTD_DStream* zstd_ = nullptr;
};

Decompressor::Decompressor(ByteSink sink, std::uint64_t limit)
    : impl_(std::make_unique<Impl>(std::move(sink), limit)) {}
Decompressor::~Decompressor() = default;
void Decompressor::feed(std::string_view bytes) {
    impl_->feed(bytes);
}
void Decompressor::finish() {
    impl_->finish();
}

}  // namespace envbuild::layer
