// What envbuild must know about a base image, read from its layers without running it: the C library, the distribution,
// a shell.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.hpp"
#include "base/json.hpp"

namespace envbuild::layer {

// What one layer says: every path in it, and what was found in the few files that matter. A value.
struct LayerScan {
    enum class Kind : std::uint8_t { File, Directory, Symlink, Hardlink, Other };
    struct Node {
        Kind kind = Kind::File;
        std::string link_target;  // of links
        std::string text;         // of os-release files: their content
        std::string glibc;        // of libc.so.6 and libc-2.x.so: the version that its banner states
        std::string machine;      // of the same: "amd64", "arm64", …, from its ELF header
    };

    Digest diff_id;
    std::uint64_t uncompressed_size = 0;
    std::map<std::string, Node, std::less<>> nodes;  // by path without leading '/'; whiteouts not among them
    std::vector<std::string> whiteouts;              // paths that this layer deletes (image-spec, layer.md)
    std::vector<std::string> opaque;                 // folders whose lower content this layer hides
};

// Reads one layer that is pushed at it: tar, gzip or zstd. Not thread-safe; one scanner a layer.
class LayerScanner {
  public:
    LayerScanner();
    ~LayerScanner();
    LayerScanner(const LayerScanner&) = delete;
    LayerScanner& operator=(const LayerScanner&) = delete;

    void feed(std::string_view bytes);  // Corrupt
    [[nodiscard]] LayerScan finish();   // once; Corrupt where the layer is truncated

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

struct LayerFacts {
    Digest diff_id;
    std::uint64_t uncompressed_size = 0;
    bool operator==(const LayerFacts&) const = default;
};

// Depends on the image's content alone, so it may be cached by the manifest's digest for ever.
struct BaseFacts {
    std::string glibc;               // "2.35"
    std::string os_id;               // os-release ID, "ubuntu"; "" where there is none
    std::string os_version;          // os-release VERSION_ID, "22.04"
    bool has_shell = false;          // /bin/sh is there
    std::vector<LayerFacts> layers;  // bottom first

    [[nodiscard]] Json to_json() const;
    [[nodiscard]] static Expected<BaseFacts> from_json(const Json& json);  // Corrupt
    bool operator==(const BaseFacts&) const = default;
};

// Puts the layers (bottom first) on top of each other and looks. `architecture` is OCI's: "amd64", "arm64", "ppc64le".
// InvalidInput where the C library is musl; NotFound where there is none, or none for that architecture: conda packages
// need glibc. `image` names the image in messages.
[[nodiscard]] Expected<BaseFacts> base_facts(std::span<const LayerScan> layers, std::string_view architecture,
                                             std::string_view image);

}  // namespace envbuild::layer
