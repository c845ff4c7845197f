// The digest of a file, read a block at a time.
#pragma once

#include <filesystem>
#include <string>

#include "base/digest.hpp"

namespace envbuild {

// Throws NotFound where it is absent, Io otherwise.
[[nodiscard]] Digest sha256_file(const std::filesystem::path& path);
// 32 hex digits, for records that have nothing better: it tells damage and proves nothing. Throws as sha256_file.
[[nodiscard]] std::string md5_file(const std::filesystem::path& path);

}  // namespace envbuild
