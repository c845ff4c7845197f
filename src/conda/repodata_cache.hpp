// The folder in which fetched repodata stays. Internal to conda/.
//
// For a subdir with canonical URL U and <key> = the first 32 hex digits of sha256(U):
//   <key>.state.json            what is known of U; written last and atomically, so it only ever speaks of a whole file
//   <key>.<8 hex digits>.json   the decompressed repodata that the state names; never changed, removed once no state
//                               names it; ".msgpack" where it is an index of shards
//   <key>.<8 hex digits>.json.index   where its records lie (repodata_index.hpp); made again where it is missing
//   <key>.lock                  flock: one process asks the server, the others wait for what it gets
// The state is a JSON object: "version" 1, "canonical" U, "url" that was asked (without credentials), "etag",
// "last_modified", "max_age" in seconds, "checked_at" in milliseconds since the epoch, "file" and "size"; "missing":
// true in place of a file where the server has none, "url" is then all folders that were asked. A file that is not
// there with its size counts as no state. Of a folder of this machine (repodata_folder.hpp) U is the file: URL of its
// repodata.json, "url" the path of the file that was copied, and "etag" what tells whether that is still the same.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "base/fs.hpp"
#include "base/url.hpp"

namespace envbuild::conda {

struct RepoDataState {
    std::string url, etag, last_modified;
    std::int64_t max_age = 0, checked_at = 0;
    std::string file;  // name inside of the folder
    std::uint64_t size = 0;
    bool missing = false;
};

// One subdir's place in the cache.
class RepoDataCache {
  public:
    RepoDataCache(std::filesystem::path folder, const Url& canonical_subdir);

    [[nodiscard]] FileLock lock(const CancelToken& cancel) const;
    [[nodiscard]] std::optional<RepoDataState> read() const;
    // Replaces the state; data files of earlier states are removed. The caller holds the lock.
    void write(const RepoDataState& state) const;
    void forget() const;
    [[nodiscard]] std::filesystem::path path_of(const RepoDataState& state) const { return folder_ / state.file; }
    [[nodiscard]] std::string new_file_name(std::string_view ending) const;  // "json"

  private:
    std::filesystem::path folder_;
    std::string canonical_, key_;
};

}  // namespace envbuild::conda
