// Source archives: a folder as one deterministic file, kept in the package cache by its SHA-256.
#pragma once

#include <filesystem>
#include <optional>

#include "base/digest.hpp"
#include "build/workbench.hpp"
#include "spec/source_tree.hpp"

namespace envbuild::build {

// A file in the package cache.
struct CachedSource {
    Digest sha256;
    std::filesystem::path file;
};

// The folder as a tar (POSIX pax) under the single folder "source", as a source archive has one: sorted by path, files
// and links only, mode 0644 or 0755, owner 0:0, mtime 2020-01-01. Equal trees give equal bytes on any machine, whatever
// its clock and umask. Not compressed: what a compressor writes depends on its version. `expected` is what the tree's
// TreeDigest must be: InvalidInput where the files changed since that was taken. Throws as source_files() does.
[[nodiscard]] CachedSource pack_folder(const std::filesystem::path& folder, spec::LeftOut left_out,
                                       const std::optional<Digest>& expected, const Workbench& bench);

// A file of the user's, copied into the cache. `expected` as above, of its bytes.
[[nodiscard]] CachedSource keep_file(const std::filesystem::path& file, const std::optional<Digest>& expected,
                                     const Workbench& bench);

}  // namespace envbuild::build
