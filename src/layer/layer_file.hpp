// A layer as a compressed file on the disk: DiffId, digest and size come out of the one pass that writes it.
#pragma once

#include <filesystem>
#include <memory>
#include <string_view>

#include "base/digest.hpp"
#include "base/fs.hpp"
#include "layer/compressor.hpp"
#include "oci/descriptor.hpp"

namespace envbuild::layer {

struct CompressedLayer {
    Digest diff_id;  // of the uncompressed tar (image-spec, config.md: rootfs.diff_ids)
    std::uint64_t uncompressed_size = 0;
    oci::Descriptor descriptor;  // of the compressed bytes
    std::filesystem::path path;  // where they are
};

// Appears under its path only when finish() returns. Not thread-safe.
class LayerFileWriter {
  public:
    LayerFileWriter(std::filesystem::path path, Codec codec, std::size_t threads = 0);
    LayerFileWriter(const LayerFileWriter&) = delete;
    LayerFileWriter& operator=(const LayerFileWriter&) = delete;

    void write(std::string_view tar_bytes);
    [[nodiscard]] CompressedLayer finish();  // once

  private:
    std::filesystem::path path_;
    Codec codec_;
    AtomicFile file_;
    Sha256 uncompressed_, compressed_;
    std::uint64_t size_ = 0;
    Compressor compressor_;
};

}  // namespace envbuild::layer
