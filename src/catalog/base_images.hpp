// The base-image catalogue (curated/base-images.yaml, docs/base-images.md): which image an intent stands on, and why.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/cuda.hpp"
#include "spec/environment_spec.hpp"

namespace envbuild::catalog {

struct BaseImageEntry {
    std::string image;   // "docker.io/nvidia/cuda:12.4.1-cudnn-runtime-ubuntu22.04"
    std::string os;      // "ubuntu22.04"
    std::string glibc;   // informative: the real one is read from the layers
    std::string cuda;    // "12.4.1" or ""
    std::string cudnn;   // "9.1.0" or ""
    std::string flavor;  // "base", "runtime", "devel"; "" without CUDA
    std::string python;  // of the system, or ""
    std::string mpi;     // "openmpi 4.1.0" or ""
    std::string min_driver;
    std::vector<std::string> platforms;  // conda subdirs
    bool deprecated = false;
    std::string digest;  // what the tag named on `date`: information, for a tag that moves to be noticed; "" unknown
    std::string digest_source;  // where that was read, and when
    std::string source, date;
};

struct BaseChoice {
    std::string image;  // a reference, as asked or from the catalogue; not yet a digest
    std::string cuda;   // what the catalogue knows of it; "" unknown or none
    std::string cudnn;
    std::string reason;              // one line: "--cuda 11.8", "tensorflow==2.4.0 (pip) loads CUDA 11.0 from its base"
    std::vector<std::string> notes;  // warnings and advice, a line each
    std::optional<BaseImageEntry> entry;
};

struct BaseAdvice {
    std::string text;     // one line
    std::string slimmer;  // the image that it names; "" where there is none
};

// Immutable; thread-safe to read.
class BaseImageCatalog {
  public:
    // Throws Error(InvalidInput) with file:line:column.
    [[nodiscard]] static BaseImageCatalog load(const std::filesystem::path& directory);

    [[nodiscard]] const std::vector<BaseImageEntry>& images() const { return images_; }
    [[nodiscard]] const BaseImageEntry* find(std::string_view image) const;  // by canonical reference, digest ignored
    [[nodiscard]] const CudaCompat& cuda() const { return cuda_; }

    // The image for the spec's ask. Errors: InvalidInput for a CUDA version the catalogue has no image for (the nearest
    // are named), Unsatisfiable for a contradiction, which names both sides.
    [[nodiscard]] Expected<BaseChoice> choose(const spec::EnvironmentSpec& spec) const;

    // What to tell of a solution on this base: that it brings its own CUDA runtime, and the slimmer base that would do.
    [[nodiscard]] std::optional<BaseAdvice> advice(const BaseChoice& choice,
                                                   const std::vector<NamedVersion>& packages) const;

  private:
    std::vector<BaseImageEntry> images_;
    std::string default_cpu_, default_gpu_;
    CudaCompat cuda_;
};

// "ubuntu:22.04", "nvidia/cuda:x", "docker.io/library/ubuntu:22.04@sha256:…" -> "docker.io/library/ubuntu:22.04": for
// look-ups in the catalogue.
[[nodiscard]] std::string canonical_image_name(std::string_view reference);

}  // namespace envbuild::catalog
