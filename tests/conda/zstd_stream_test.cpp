#include "conda/zstd_stream.hpp"

#include <catch2/catch.hpp>

#include "base/error.hpp"
#include "support/tar_writer.hpp"

using namespace envbuild;
using conda::ZstdStream;
using testing::zstd;

namespace {

// Decompressed, the input cut into pieces of `piece` bytes.
std::string unpacked(std::string_view packed, std::size_t piece) {
    std::string out;
    ZstdStream stream;
    for (; !packed.empty(); packed.remove_prefix(std::min(piece, packed.size())))
        stream.write(packed.substr(0, piece), [&](std::string_view bytes) { out += bytes; });
    stream.finish();
    return out;
}

}  // namespace

TEST_CASE("zstd: sizes around the output buffer's, in one piece and in many") {
    constexpr std::size_t kBlock = 131072;
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, kBlock - 1, kBlock, kBlock + 1, 2 * kBlock,
                                   3 * kBlock, 3 * kBlock + 7, 16 * kBlock}) {
        std::string text(size, 'a');
        for (std::size_t i = 0; i < size; i += 97) text[i] = static_cast<char>('a' + i % 23);
        const std::string packed = zstd(text);
        for (const std::size_t piece : {packed.size(), std::size_t{1}, std::size_t{1000}}) {
            INFO(size << " in pieces of " << piece);
            CHECK(unpacked(packed, piece) == text);
        }
        CHECK(unpacked(packed + packed, 1000) == text + text);
    }
}

TEST_CASE("zstd: what breaks off or is no zstd is corrupt") {
    const std::string packed = zstd(std::string(131072, 'a') + "end");
    const auto kind = [](std::string_view bytes) {
        try {
            static_cast<void>(unpacked(bytes, 7));
        } catch (const Error& error) {
            return error.kind();
        }
        return ErrorKind::Bug;
    };
    for (const std::size_t kept : {std::size_t{0}, std::size_t{3}, packed.size() / 2, packed.size() - 1}) {
        INFO(kept);
        CHECK(kind(std::string_view(packed).substr(0, kept)) == ErrorKind::Corrupt);
    }
    CHECK(kind(packed + packed.substr(0, 5)) == ErrorKind::Corrupt);
    CHECK(kind("this is no zstd") == ErrorKind::Corrupt);
}
