#include <catch2/catch.hpp>

#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/fs.hpp"
#include "layer/compressor.hpp"
#include "layer/decompressor.hpp"
#include "layer/layer_file.hpp"
#include "layer/layer_support.hpp"

using namespace envbuild;
using namespace envbuild::layer;
using namespace layer_test;

namespace {

constexpr Codec kGzip{Codec::Format::Gzip, 6};
constexpr Codec kZstd{Codec::Format::Zstd, 3};

}  // namespace

TEST_CASE("gzip: one member that gzip itself takes, for sizes around the block") {
    for (const std::size_t size :
         {std::size_t(0), std::size_t(1), std::size_t(40'000), Compressor::kGzipBlock - 1, Compressor::kGzipBlock,
          Compressor::kGzipBlock + 1, 3 * Compressor::kGzipBlock + 77}) {
        INFO(size);
        const auto bytes = sample(size);
        const auto packed = compress(bytes, kGzip);
        CHECK(run_tool({"gzip", "-dc"}, packed) == bytes);
        CHECK(decompress(packed) == bytes);
        CHECK(packed.substr(0, 10) == std::string("\x1f\x8b\x08\0\0\0\0\0\0\xff", 10));
    }
}

TEST_CASE("zstd: frames that zstd itself takes, for sizes around the block") {
    for (const std::size_t size : {std::size_t(0), std::size_t(1), Compressor::kZstdBlock, Compressor::kZstdBlock + 1,
                                   2 * Compressor::kZstdBlock + 5}) {
        INFO(size);
        const auto bytes = sample(size);
        const auto packed = compress(bytes, kZstd);
        CHECK(run_tool({"zstd", "-dc"}, packed) == bytes);
        CHECK(decompress(packed) == bytes);
    }
}

TEST_CASE("the output depends neither on threads nor on how the input came") {
    for (const Codec codec : {kGzip, Codec{Codec::Format::Gzip, 1}, kZstd}) {
        INFO(codec.to_string());
        const auto bytes = sample(9'500'000);
        const auto once = sha256(compress(bytes, codec, 1, bytes.size()));
        for (const std::size_t threads : {1, 2, 3, 8}) {
            CHECK(sha256(compress(bytes, codec, threads, 33'333)) == once);
            CHECK(sha256(compress(bytes, codec, threads, 5'000'000)) == once);
        }
    }
}

TEST_CASE("blocks use the bytes before them: cutting costs little") {
    const auto bytes = sample(4'000'000);
    const auto whole = run_tool({"gzip", "-6nc"}, bytes);
    CHECK(compress(bytes, kGzip).size() < whole.size() * 101 / 100);
}

TEST_CASE("a sink that throws ends the compression") {
    Compressor compressor(kGzip, [](std::string_view) { throw Error(ErrorKind::Io, "disk full"); }, 2);
    const auto bytes = sample(8'000'000);
    CHECK_THROWS_WITH(compressor.write(bytes), "disk full");
}

TEST_CASE("a compressor that is dropped midway stops its threads") {
    Compressor compressor(kGzip, [](std::string_view) {}, 4);
    compressor.write(sample(3'000'000));
    SUCCEED("and the destructor returns");
}

TEST_CASE("codecs have names and keys") {
    CHECK(value_or_throw(Codec::parse("gzip")) == kGzip);
    CHECK(value_or_throw(Codec::parse("gzip:1")).level == 1);
    CHECK(value_or_throw(Codec::parse("zstd")) == kZstd);
    CHECK(value_or_throw(Codec::parse("zstd:19")).to_string() == "zstd:19");
    for (const std::string_view text : {"", "gzip:", "gzip:0", "gzip:10", "zstd:20", "zstd:x", "xz", "gzip:6 "}) {
        INFO(text);
        REQUIRE_FALSE(Codec::parse(text).has_value());
        CHECK(Codec::parse(text).error().kind() == ErrorKind::InvalidInput);
    }
    CHECK_THAT(kGzip.key(), Catch::StartsWith("gzip/zlib-1.") && Catch::EndsWith("/level-6/block-1048576"));
    CHECK_THAT(kZstd.key(), Catch::StartsWith("zstd/libzstd-1."));
    CHECK(kGzip.media_type() == "application/vnd.oci.image.layer.v1.tar+gzip");
}

TEST_CASE("the decompressor takes members and frames in a row, plain bytes, and pieces of any size") {
    const auto bytes = sample(600'000);
    for (const std::size_t piece : {1, 3, 1000, 1'000'000}) {
        INFO(piece);
        CHECK(decompress(compress(bytes, kGzip) + compress("tail", kGzip), piece) == bytes + "tail");
        CHECK(decompress(compress(bytes, kZstd) + compress("tail", kZstd), piece) == bytes + "tail");
        CHECK(decompress(compress("padded", kGzip) + std::string(500, '\0'), piece) == "padded");
        CHECK(decompress("plain text", piece) == "plain text");
    }
    CHECK(decompress("") == "");
    CHECK(decompress("abc") == "abc");
}

TEST_CASE("the decompressor's buffer ends exactly where a frame does") {
    for (const std::size_t size : {256U << 10U, 512U << 10U, (256U << 10U) - 1}) {
        const auto bytes = sample(size);
        CHECK(decompress(compress(bytes, kZstd)) == bytes);
        CHECK(decompress(compress(bytes, kGzip)) == bytes);
    }
}

TEST_CASE("damaged compression is Corrupt") {
    for (const Codec codec : {kGzip, kZstd}) {
        const auto packed = compress(sample(200'000), codec);
        INFO(codec.to_string());
        for (std::size_t size = 2; size < packed.size(); size += packed.size() / 50) {
            if (codec == kZstd && size < 4) continue;  // not yet recognisable
            INFO(size);
            CHECK_THROWS_AS(decompress(packed.substr(0, size)), Error);
        }
        auto flipped = packed;
        flipped[flipped.size() / 2] = static_cast<char>(flipped[flipped.size() / 2] ^ 0x20);
        CHECK_THROWS_AS(decompress(flipped), Error);
        CHECK_THROWS_AS(decompress(packed + "garbage"), Error);
    }
}

TEST_CASE("a bomb is stopped at the limit") {
    const auto bomb = compress(std::string(20U << 20U, '\0'), kGzip);
    std::uint64_t seen = 0;
    Decompressor decompressor([&seen](std::string_view part) { seen += part.size(); }, 1U << 20U);
    CHECK_THROWS_WITH(decompressor.feed(bomb), Catch::Contains("larger than 1048576 bytes"));
    CHECK(seen <= 1U << 20U);
}

TEST_CASE("a layer file: diff ID, digest and size of one pass") {
    const TempDir dir("layer-file");
    const auto tar = make_tar({file("opt/env/a", sample(2500000)), soft_link("opt/env/b", "a")});
    for (const Codec codec : {kGzip, kZstd}) {
        const auto path = dir.path() / codec.to_string();
        LayerFileWriter writer(path, codec, 2);
        writer.write(std::string_view(tar).substr(0, 1000));
        CHECK_FALSE(fs::exists(path));
        writer.write(std::string_view(tar).substr(1000));
        const auto layer = writer.finish();
        const auto bytes = read_file(path);
        CHECK(layer.path == path);
        CHECK(layer.diff_id == sha256(tar));
        CHECK(layer.uncompressed_size == tar.size());
        CHECK(layer.descriptor.digest == sha256(bytes));
        CHECK(layer.descriptor.size == bytes.size());
        CHECK(layer.descriptor.media_type == codec.media_type());
        CHECK(decompress(bytes) == tar);
    }
}
