// How an image is chosen (docs/base-images.md). Internal to catalog/.
#pragma once

#include <string>

#include "catalog/base_images.hpp"

namespace envbuild::catalog {

// Throws what BaseImageCatalog::choose() returns as error.
[[nodiscard]] BaseChoice choose_base(const BaseImageCatalog& catalog, const std::string& default_cpu,
                                     const std::string& default_gpu, const spec::EnvironmentSpec& spec);

}  // namespace envbuild::catalog
