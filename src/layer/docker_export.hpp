// Reads what `GET /images/{name}/get` streams ("docker save"), as it streams: layers of the base are only hashed, new
// ones are compressed on the way, and nothing is held whole. Three forms are known: dockerd up to 24 (<id>/layer.tar,
// <hex>.json, manifest.json), dockerd from 25 on (an OCI image layout with manifest.json beside it) and podman
// (<hex>.tar, <hex>.json).
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.hpp"
#include "layer/codec.hpp"
#include "layer/layer_file.hpp"

namespace envbuild::layer {

// A layer that need not be compressed because it is in a registry already.
struct KnownLayer {
    Digest diff_id;
    std::uint64_t uncompressed_size = 0;
    Digest blob;  // of its compressed form in the registry, empty where unknown: engines with containerd's store export
                  // that
};

struct ExportOptions {
    std::vector<KnownLayer> known;    // the base image's
    std::filesystem::path directory;  // where compressed layers are written; must exist
    Codec codec;
    std::size_t threads = 0;  // 0: one a core
};

struct ExportedLayer {
    Digest diff_id;
    std::optional<CompressedLayer> compressed;  // none: it is one of ExportOptions::known
};

struct ExportedImage {
    std::string config;                 // the image config's JSON, byte for byte
    Digest config_digest;               // = the image ID
    std::vector<std::string> tags;      // "RepoTags"
    std::vector<ExportedLayer> layers;  // bottom first, one for each of the config's rootfs.diff_ids
};

// A push parser: feed() the stream, then finish(). Not thread-safe; compresses on threads of its own.
class DockerExportReader {
  public:
    explicit DockerExportReader(ExportOptions options);
    ~DockerExportReader();
    DockerExportReader(const DockerExportReader&) = delete;
    DockerExportReader& operator=(const DockerExportReader&) = delete;

    // Throws Corrupt for what is no such stream.
    void feed(std::string_view bytes);
    // The stream begins again at its first byte (a retried request).
    void restart();
    // The stream has ended. Nothing: a layer that was taken for the base's by its size turned out to be another one;
    // call restart() and feed the stream once more (it never comes to a third time). Corrupt where the stream is
    // truncated, a layer or the config is missing, or a hash does not match the config.
    [[nodiscard]] std::optional<ExportedImage> finish();

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

// Calls `stream` once, seldom twice; it feeds the reader it is given with a whole export.
[[nodiscard]] ExportedImage read_docker_export(const ExportOptions& options,
                                               const std::function<void(DockerExportReader&)>& stream);

}  // namespace envbuild::layer
