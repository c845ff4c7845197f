// The images that a Dockerfile stands on (docs.docker.com/reference/dockerfile, FROM).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace envbuild::dockerfile {

// A FROM line's image, as far as it can be looked up: not `scratch`, not an earlier stage, without variables.
struct FromImage {
    std::size_t offset = 0, length = 0;  // of the reference in the text
    std::string reference;
};
// In the order of the file; heredocs, comments and continued lines are no FROM lines.
[[nodiscard]] std::vector<FromImage> from_images(std::string_view dockerfile);

}  // namespace envbuild::dockerfile
