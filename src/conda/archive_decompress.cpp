#include "conda/archive_decompress.hpp"

#include <bzlib.h>
#include <fmt/format.h>
#include <zstd.h>

#include <algorithm>
#include <cstring>
#include <string_view>

#include "base/error.hpp"

namespace envbuild::conda {

namespace {

constexpr std::size_t kInputBuffer = std::size_t{128} << 10;

[[noreturn]] void corrupt(std::string message) {
    throw Error(ErrorKind::Corrupt, std::move(message));
}

class Bzip2Stream final : public ByteStream {
  public:
    Bzip2Stream(const ArchiveSource& source, std::uint64_t offset, std::uint64_t size, std::uint64_t budget)
        : ByteStream(source, offset, size, budget) {}
    ~Bzip2Stream() override { close(); }
    Bzip2Stream(const Bzip2Stream&) = delete;
    Bzip2Stream& operator=(const Bzip2Stream&) = delete;

  private:
    std::size_t produce(std::span<char> into) override {
        while (!done_) {
            if (!open_ && !begin()) return 0;
            const auto bytes = input(1);
            state_.next_in = bytes.data();
            state_.avail_in = static_cast<unsigned>(bytes.size());
            state_.next_out = into.data();
            state_.avail_out = static_cast<unsigned>(into.size());
            const int result = BZ2_bzDecompress(&state_);
            consume(bytes.size() - state_.avail_in);
            const std::size_t made = into.size() - state_.avail_out;
            if (result == BZ_STREAM_END) {
                close();
            } else if (result != BZ_OK) {
                corrupt(fmt::format("the bzip2 data is damaged (error {})", result));
            } else if (made == 0 && bytes.empty()) {
                corrupt("the bzip2 data ends early");
            }
            if (made > 0) return made;
        }
        return 0;
    }

    bool begin() {
        const auto bytes = input(4);
        const std::string_view head(bytes.data(), bytes.size());
        const bool stream = head.size() >= 4 && head.starts_with("BZh") && head[3] >= '1' && head[3] <= '9';
        if (!stream) {
            if (first_) corrupt("is not bzip2 data");
            trailing_garbage_ = !head.empty();
            done_ = true;
            return false;
        }
        first_ = false;
        state_ = {};
        if (BZ2_bzDecompressInit(&state_, 0, 0) != BZ_OK) throw Error(ErrorKind::Io, "no memory to decompress");
        open_ = true;
        return true;
    }

    void close() {
        if (open_) BZ2_bzDecompressEnd(&state_);
        open_ = false;
    }

    bz_stream state_{};
    bool open_ = false, first_ = true, done_ = false;
};

class ZstdStream final : public ByteStream {
  public:
    ZstdStream(const ArchiveSource& source, std::uint64_t offset, std::uint64_t size, std::uint64_t budget)
        : ByteStream(source, offset, size, budget), context_(ZSTD_createDCtx()) {
        if (context_ == nullptr) throw Error(ErrorKind::Io, "no memory to decompress");
    }
    ~ZstdStream() override { ZSTD_freeDCtx(context_); }
    ZstdStream(const ZstdStream&) = delete;
    ZstdStream& operator=(const ZstdStream&) = delete;

  private:
    std::size_t produce(std::span<char> into) override {
        while (!done_) {
            if (at_frame_start_ && !begin()) return 0;
            const auto bytes = input(1);
            ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
            ZSTD_outBuffer out{into.data(), into.size(), 0};
            const std::size_t result = ZSTD_decompressStream(context_, &out, &in);
            if (ZSTD_isError(result) != 0) {
                corrupt(fmt::format("the zstd data is damaged ({})", ZSTD_getErrorName(result)));
            }
            consume(in.pos);
            at_frame_start_ = result == 0;
            if (out.pos > 0) return out.pos;
            if (!at_frame_start_ && bytes.empty()) corrupt("the zstd data ends early");
        }
        return 0;
    }

    bool begin() {
        const auto bytes = input(4);
        std::uint32_t magic = 0;
        if (bytes.size() >= 4) {
            for (int i = 3; i >= 0; --i) {
                magic = magic << 8 | static_cast<unsigned char>(bytes[static_cast<std::size_t>(i)]);
            }
        }
        const bool frame =
            magic == ZSTD_MAGICNUMBER || (magic & ZSTD_MAGIC_SKIPPABLE_MASK) == ZSTD_MAGIC_SKIPPABLE_START;
        if (!frame) {
            if (first_) corrupt("is not zstd data");
            trailing_garbage_ = !bytes.empty();
            done_ = true;
            return false;
        }
        first_ = at_frame_start_ = false;
        return true;
    }

    ZSTD_DCtx* context_;
    bool at_frame_start_ = true, first_ = true, done_ = false;
};

}  // namespace

ByteStream::ByteStream(const ArchiveSource& source, std::uint64_t offset, std::uint64_t size, std::uint64_t budget)
    : source_(source), offset_(offset), left_(size), budget_(budget), buffer_(std::make_unique<char[]>(kInputBuffer)) {}

std::size_t ByteStream::read(std::span<char> into) {
    if (into.empty()) return 0;
    const std::size_t made = produce(into.first(std::min<std::size_t>(into.size(), std::size_t{1} << 20)));
    produced_ += made;
    if (produced_ > budget_) {
        corrupt(fmt::format("unpacks to more than {} bytes, the most allowed for an archive of its size", budget_));
    }
    return made;
}

std::span<char> ByteStream::input(std::size_t wanted) {
    if (end_ - begin_ < wanted && left_ > 0) {
        std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
        end_ -= begin_;
        begin_ = 0;
        const auto room = static_cast<std::size_t>(std::min<std::uint64_t>(left_, kInputBuffer - end_));
        const std::size_t got = source_.read_at(offset_, {buffer_.get() + end_, room});
        if (got < room) corrupt("the file is shorter than it was");
        offset_ += got;
        left_ -= got;
        end_ += got;
    }
    return {buffer_.get() + begin_, end_ - begin_};
}

std::unique_ptr<ByteStream> ByteStream::bzip2(const ArchiveSource& source, std::uint64_t offset, std::uint64_t size,
                                              std::uint64_t budget) {
    return std::make_unique<Bzip2Stream>(source, offset, size, budget);
}

std::unique_ptr<ByteStream> ByteStream::zstd(const ArchiveSource& source, std::uint64_t offset, std::uint64_t size,
                                             std::uint64_t budget) {
    return std::make_unique<ZstdStream>(source, offset, size, budget);
}

}  // namespace envbuild::conda
