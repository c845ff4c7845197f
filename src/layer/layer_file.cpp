#include "layer/layer_file.hpp"

namespace envbuild::layer {

LayerFileWriter::LayerFileWriter(std::filesystem::path path, Codec codec, std::size_t threads)
    : path_(std::move(path)),
      codec_(codec),
      file_(path_),
      compressor_(
          codec,
          [this](std::string_view bytes) {
              compressed_.update(bytes);
              file_.write(bytes);
          },
          threads) {}

void LayerFileWriter::write(std::string_view tar_bytes) {
    uncompressed_.update(tar_bytes);
    size_ += tar_bytes.size();
    compressor_.write(tar_bytes);
}

CompressedLayer LayerFileWriter::finish() {
    compressor_.finish();
    file_.commit();
    CompressedLayer layer;
    layer.diff_id = uncompressed_.finish();
    layer.uncompressed_size = size_;
    layer.descriptor.media_type = codec_.media_type();
    layer.descriptor.digest = compressed_.finish();
    layer.descriptor.size = file_.size();
    layer.path = path_;
    return layer;
}

}  // namespace envbuild::layer
