// The repodata of a subdir that is a folder of this machine. Internal to conda/.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>

#include "base/cancel.hpp"
#include "base/url.hpp"
#include "conda/repodata.hpp"

namespace envbuild::conda {

struct RepoDataFolderSettings {
    std::filesystem::path cache_directory;
    std::uint64_t size_limit = 0;
    std::uint64_t kept_from = 4ULL << 20;   // files of this size and more are copied into the cache
    std::chrono::seconds settled_after{5};  // file systems date changes by a clock that may stand still for some
};

// Reads repodata.json, .zst or .bz2 of `folder`, a file: URL; null where it has none. Whoever owns it may write it anew
// at any time, so that nothing is read of it twice: a small one is held, of a large one a copy and its index are kept
// in the cache (repodata_cache.hpp), for as long as the file is the same by size, times and inode. One that was written
// within `settled_after`, when another change might not show, is held too, and so is any where the cache cannot be
// written. Errors are RepoData::load's, Transient where the file changes while it is copied, and Cancelled.
[[nodiscard]] std::shared_ptr<const RepoData> read_repodata_folder(const Url& folder, RepoData::Origin origin,
                                                                   const RepoDataFolderSettings& settings,
                                                                   const CancelToken& cancel);

}  // namespace envbuild::conda
