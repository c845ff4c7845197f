// How a layer is compressed. Part of every layer's key: the same codec gives the same digest for the same tar.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace envbuild::layer {

struct Codec {
    enum class Format : std::uint8_t { Gzip, Zstd };

    // gzip is what every engine takes: dockerd 20.10 and umoci refuse zstd, Docker from 23 on takes it. Level 6 is
    // zlib's own default; level 1 is about three times as fast and gives about a tenth more bytes.
    Format format = Format::Gzip;
    int level = 6;

    // "gzip", "gzip:1", "zstd", "zstd:3" -> Codec; InvalidInput. gzip has levels 1 to 9, zstd 1 to 19.
    [[nodiscard]] static Expected<Codec> parse(std::string_view text);
    [[nodiscard]] std::string to_string() const;  // "gzip:6"
    // Everything that decides the compressed bytes: "gzip/zlib-1.2.13/level-6/block-1048576". The library's version is
    // asked of the library that runs.
    [[nodiscard]] std::string key() const;
    [[nodiscard]] std::string_view media_type() const;  // OCI image-spec, layer.md
    bool operator==(const Codec&) const = default;
};

}  // namespace envbuild::layer
