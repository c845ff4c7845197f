#include "layer/compressor.hpp"

#include <fmt/format.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/error.hpp"

namespace envbuild::layer {

namespace {

constexpr std::size_t kDictionary = 32U << 10;

struct Block {
    std::string input, dictionary, output;
    uLong crc = 0;
    std::size_t input_size = 0;
    bool done = false;
    std::exception_ptr error;
};

class Deflate {
  public:
    explicit Deflate(int level) {
        // Raw deflate: the member's header and trailer are written around all blocks.
        if (deflateInit2(&stream_, level, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
            throw Error(ErrorKind::Io, "no memory to compress a layer");
        }
    }
    ~Deflate() { deflateEnd(&stream_); }
    Deflate(const Deflate&) = delete;
    Deflate& operator=(const Deflate&) = delete;

    std::string run(const std::string& input, const std::string& dictionary) {
        const auto bytes = [](const std::string& text) { return reinterpret_cast<const Bytef*>(text.data()); };
        if (!dictionary.empty())
            deflateSetDictionary(&stream_, bytes(dictionary), static_cast<uInt>(dictionary.size()));
        std::string output(deflateBound(&stream_, static_cast<uLong>(input.size())) + 16, '\0');
        stream_.next_in = const_cast<Bytef*>(bytes(input));
        stream_.avail_in = static_cast<uInt>(input.size());
        std::size_t used = 0;
        do {
            if (used == output.size()) output.resize(output.size() * 2);
            stream_.next_out = reinterpret_cast<Bytef*>(output.data() + used);
            stream_.avail_out = static_cast<uInt>(output.size() - used);
            if (deflate(&stream_, Z_SYNC_FLUSH) == Z_STREAM_ERROR) throw Error(ErrorKind::Bug, "zlib refused a block");
            used = output.size() - stream_.avail_out;
        } while (stream_.avail_out == 0);
        output.resize(used);
        return output;
    }

  private:
    z_stream stream_{};
};

std::string zstd_frame(const std::string& input, int level) {
    const std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> context(ZSTD_createCCtx(), &ZSTD_freeCCtx);
    if (!context) throw Error(ErrorKind::Io, "no memory to compress a layer");
    ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, level);
    ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, 1);
    std::string output(ZSTD_compressBound(input.size()), '\0');
    const std::size_t size = ZSTD_compress2(context.get(), output.data(), output.size(), input.data(), input.size());
    if (ZSTD_isError(size) != 0)
        throw Error(ErrorKind::Bug, fmt::format("zstd refused a block: {}", ZSTD_getErrorName(size)));
    output.resize(size);
    return output;
}

std::string little_endian(std::uint64_t value) {
    std::string bytes;
    for (unsigned shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(value >> shift & 0xffU);
    return bytes;
}

}  // namespace

class Compressor::Impl {
  public:
    Impl(Codec codec, ByteSink sink, std::size_t threads)
        : codec_(codec),
          sink_(std::move(sink)),
          thread_count_(threads != 0 ? threads : std::max(1U, std::thread::hardware_concurrency())),
          block_size_(gzip() ? kGzipBlock : kZstdBlock) {}

    ~Impl() {
        {
            const std::scoped_lock lock(mutex_);
            stop_ = true;
        }
        work_.notify_all();
    }

    void write(std::string_view bytes) {
        while (!bytes.empty()) {
            if (input_.capacity() < block_size_ && submitted_ > 0) input_.reserve(block_size_);
            const auto part = std::min(bytes.size(), block_size_ - input_.size());
            input_ += bytes.substr(0, part);
            bytes.remove_prefix(part);
            if (input_.size() == block_size_) submit();
        }
    }

    void finish() {
        if (!input_.empty() || (!gzip() && submitted_ == 0)) submit();
        while (!order_.empty()) write_first();
        write_header();
        // An empty final block with fixed codes, then CRC-32 and size: no data block need know that it is the last.
        if (gzip()) sink_(std::string("\x03\x00", 2) + little_endian(crc_) + little_endian(total_));
    }

  private:
    [[nodiscard]] bool gzip() const { return codec_.format == Codec::Format::Gzip; }

    void submit() {
        while (order_.size() >= 2 * thread_count_) write_first();
        auto block = std::make_shared<Block>();
        block->input = std::move(input_);
        block->input_size = block->input.size();
        input_.clear();
        if (gzip()) {
            block->dictionary = std::move(dictionary_);
            dictionary_ = block->input.substr(block->input.size() - std::min(kDictionary, block->input.size()));
        }
        ++submitted_;
        {
            const std::scoped_lock lock(mutex_);
            order_.push_back(block);
            queue_.push_back(std::move(block));
        }
        // One block alone is not worth a thread: write_first() compresses it then.
        if (submitted_ == 2) {
            for (std::size_t i = 0; i < thread_count_; ++i) threads_.emplace_back([this] { work(); });
        }
        work_.notify_one();
    }

    void work() {
        while (true) {
            std::shared_ptr<Block> block;
            {
                std::unique_lock lock(mutex_);
                work_.wait(lock, [this] { return stop_ || !queue_.empty(); });
                if (stop_) return;
                block = std::move(queue_.front());
                queue_.pop_front();
            }
            compress(*block);
            {
                const std::scoped_lock lock(mutex_);
                block->done = true;
            }
            done_.notify_one();
        }
    }

    void compress(Block& block) const {
        try {
            if (gzip()) {
                block.crc = crc32_z(0, reinterpret_cast<const Bytef*>(block.input.data()), block.input.size());
                block.output = Deflate(codec_.level).run(block.input, block.dictionary);
            } else {
                block.output = zstd_frame(block.input, codec_.level);
            }
            block.input = {};
            block.dictionary = {};
        } catch (...) {
            block.error = std::current_exception();
        }
    }

    void write_first() {
        const auto block = order_.front();
        if (threads_.empty()) {
            compress(*block);
            queue_.pop_front();
        } else {
            std::unique_lock lock(mutex_);
            done_.wait(lock, [&] { return block->done; });
        }
        order_.pop_front();
        if (block->error) std::rethrow_exception(block->error);
        write_header();
        crc_ = crc32_combine(crc_, block->crc, static_cast<z_off_t>(block->input_size));
        total_ += block->input_size;
        sink_(block->output);
    }

    void write_header() {
        if (gzip() && !header_written_) sink_(std::string_view("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff", 10));
        header_written_ = true;
    }

    Codec codec_;
    ByteSink sink_;
    std::size_t thread_count_, block_size_;
    std::string input_, dictionary_;
    std::size_t submitted_ = 0;
    uLong crc_ = 0;
    std::uint64_t total_ = 0;
    bool header_written_ = false;

    std::mutex mutex_;
    std::condition_variable work_, done_;
    bool stop_ = false;                         // under mutex_
    std::deque<std::shared_ptr<Block>> queue_;  // under mutex_: not yet taken by a thread
    std::deque<std::shared_ptr<Block>> order_;  // the caller's: not yet written
    std::vector<std::jthread> threads_;         // last: joined before the rest goes
};

Compressor::Compressor(Codec codec, ByteSink sink, std::size_t threads)
    : impl_(std::make_unique<Impl>(codec, std::move(sink), threads)) {}
Compressor::~Compressor() = default;
void Compressor::write(std::string_view bytes) {
    impl_->write(bytes);
}
void Compressor::finish() {
    impl_->finish();
}

}  // namespace envbuild::layer
