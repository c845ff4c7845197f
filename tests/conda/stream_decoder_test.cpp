#include "conda/stream_decoder.hpp"

#include <catch2/catch.hpp>

#include "base/error.hpp"
#include "support/tar_writer.hpp"

using namespace envbuild;
using conda::StreamDecoder;
using testing::zstd;

namespace {

// Decompressed, the input cut into pieces of `piece` bytes.
std::string unpacked(std::string_view packed, std::size_t piece) {
    std::string out;
    const auto decoder = StreamDecoder::for_start(packed.substr(0, 4));
    if (!decoder) throw Error(ErrorKind::Corrupt, "neither");
    for (; !packed.empty(); packed.remove_prefix(std::min(piece, packed.size())))
        decoder->write(packed.substr(0, piece), [&](std::string_view bytes) { out += bytes; });
    decoder->finish();
    return out;
}

}  // namespace

TEST_CASE("compressed streams: sizes around the output buffer's, in one piece and in many") {
    constexpr std::size_t kBlock = 131072;
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, kBlock - 1, kBlock, kBlock + 1, 2 * kBlock,
                                   3 * kBlock, 3 * kBlock + 7, 16 * kBlock}) {
        std::string text(size, 'a');
        for (std::size_t i = 0; i < size; i += 97) text[i] = static_cast<char>('a' + i % 23);
        for (const std::string& packed : {zstd(text), testing::bzip2(text)}) {
            for (const std::size_t piece : {packed.size(), std::size_t{1}, std::size_t{1000}}) {
                INFO(size << " in pieces of " << piece);
                CHECK(unpacked(packed, piece) == text);
            }
            CHECK(unpacked(packed + packed, 1000) == text + text);
        }
    }
}

TEST_CASE("compressed streams: what breaks off or is none is corrupt") {
    const auto kind = [](std::string_view bytes) {
        try {
            static_cast<void>(unpacked(bytes, 7));
        } catch (const Error& error) {
            return error.kind();
        }
        return ErrorKind::Bug;
    };
    const auto text = std::string(131072, 'a') + "end";
    for (const std::string& packed : {zstd(text), testing::bzip2(text)}) {
        for (const std::size_t kept : {std::size_t{0}, std::size_t{3}, packed.size() / 2, packed.size() - 1}) {
            INFO(kept);
            CHECK(kind(std::string_view(packed).substr(0, kept)) == ErrorKind::Corrupt);
        }
        CHECK(kind(packed + packed.substr(0, 5)) == ErrorKind::Corrupt);
    }
    CHECK(kind("this is neither") == ErrorKind::Corrupt);
}

TEST_CASE("compressed bytes that are held are bounded by the limit") {
    const auto packed = zstd(std::string(1 << 20, 'a'));
    CHECK(conda::decompress(packed, 1 << 20, "it").size() == 1 << 20);
    try {
        (void)conda::decompress(packed, (1 << 20) - 1, "the shard");
        FAIL("it was taken");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::Corrupt);
        CHECK_THAT(error.to_string(), Catch::Contains("the shard"));
    }
}
