// The digest of a file, read a block at a time.
#pragma once

#include <filesystem>

#include "base/digest.hpp"

namespace envbuild {

// Throws NotFound where it is absent, Io otherwise.
[[nodiscard]] Digest sha256_file(const std::filesystem::path& path);

}  // namespace envbuild
