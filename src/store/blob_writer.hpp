// BlobWriter: content on its way into a store. It lies under `ingest/` until it is whole, verified and on disk.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

#include "base/digest.hpp"
#include "base/fs.hpp"

namespace envbuild::store {

// Not thread-safe. Dropped without a trace unless commit() returned. While it lives, an flock marks its file as
// somebody's; what a killed process left has none and goes with the next sweep. Throws Error(Io), also on a
// file system without locks.
class BlobWriter {
  public:
    // Both folders exist and are on one file system.
    BlobWriter(const std::filesystem::path& ingest, std::filesystem::path blobs);
    ~BlobWriter();
    BlobWriter(const BlobWriter&) = delete;
    BlobWriter& operator=(const BlobWriter&) = delete;

    void write(std::string_view bytes);
    [[nodiscard]] std::uint64_t size() const { return size_; }
    // Of what was written; once, before commit().
    [[nodiscard]] Digest finish();
    // fsync, rename to `blobs`/<hex>, fsync of the folder. `digest` is what finish() said.
    void commit(const Digest& digest);

  private:
    std::filesystem::path blobs_, temporary_;
    UniqueFd fd_;
    Sha256 hash_;
    std::uint64_t size_ = 0;
};

// Removes what killed writers left in `ingest`. What a living one writes is not touched.
void sweep_ingest(const std::filesystem::path& ingest);

}  // namespace envbuild::store
