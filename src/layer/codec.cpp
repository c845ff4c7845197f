#include "layer/codec.hpp"

#include <fmt/format.h>
#include <zlib.h>
#include <zstd.h>

#include <charconv>

#include "layer/compressor.hpp"
#include "oci/descriptor.hpp"

namespace envbuild::layer {

Expected<Codec> Codec::parse(std::string_view text) {
    const auto colon = text.find(':');
    const auto name = text.substr(0, colon);
    Codec codec;
    if (name == "zstd") {
        codec = {Format::Zstd, 3};
    } else if (name != "gzip") {
        return fail(ErrorKind::InvalidInput,
                    fmt::format("'{}' is no layer compression: gzip, gzip:LEVEL, zstd or zstd:LEVEL", text));
    }
    if (colon == std::string_view::npos) return codec;
    const auto level = text.substr(colon + 1);
    const auto [end, error] = std::from_chars(level.data(), level.data() + level.size(), codec.level);
    const int highest = codec.format == Format::Gzip ? 9 : 19;
    if (error != std::errc() || end != level.data() + level.size() || codec.level < 1 || codec.level > highest) {
        return fail(ErrorKind::InvalidInput, fmt::format("'{}' is no level of {}: 1 to {}", level, name, highest));
    }
    return codec;
}

std::string Codec::to_string() const {
    return fmt::format("{}:{}", format == Format::Gzip ? "gzip" : "zstd", level);
}

std::string Codec::key() const {
    if (format == Format::Gzip) {
        return fmt::format("gzip/zlib-{}/level-{}/block-{}", zlibVersion(), level, Compressor::kGzipBlock);
    }
    return fmt::format("zstd/libzstd-{}/level-{}/block-{}", ZSTD_versionString(), level, Compressor::kZstdBlock);
}

std::string_view Codec::media_type() const {
    return format == Format::Gzip ? oci::media_type::kLayerGzip : oci::media_type::kLayerZstd;
}

}  // namespace envbuild::layer
