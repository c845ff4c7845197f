// Looking through the base-image catalogue: `envbuild bases` (docs/base-images.md).
#pragma once

#include <string>
#include <vector>

#include "base/json.hpp"
#include "catalog/base_images.hpp"

namespace envbuild::catalog {

// What is asked of an image; "" and false ask nothing. A value.
struct BaseFilter {
    std::string cuda;         // "11", "11.8", "11.8.0"; "none": images without CUDA
    std::string cudnn;        // a prefix by its parts: "8", "8.9"; "none": images without cuDNN
    std::string os;           // "ubuntu22.04", "ubuntu"
    std::string flavor;       // base, runtime, devel
    std::string publisher;    // "nvidia", "azureml", "library", or a registry: "mcr.microsoft.com"
    std::string platform;     // a conda subdir
    std::string mpi;          // "openmpi", "openmpi 4.1"
    bool deprecated = false;  // those that their publisher no longer supports too
};

// In the catalogue's order. InvalidInput for a CUDA version that is none, and for a value that no image of the
// catalogue has, with those that there are.
[[nodiscard]] Expected<std::vector<const BaseImageEntry*>> filter_images(const BaseImageCatalog& catalog,
                                                                         const BaseFilter& filter);

// "docker.io/nvidia/cuda:…" -> "nvidia", "docker.io/library/ubuntu:…" -> "library".
[[nodiscard]] std::string publisher_of(const BaseImageEntry& entry);

// Every column; what is not known is null.
[[nodiscard]] Json to_json(const BaseImageEntry& entry);

// A table for people: a heading, then a line an image.
[[nodiscard]] std::vector<std::string> table_of(const std::vector<const BaseImageEntry*>& images);

}  // namespace envbuild::catalog
