// Gets repodata of channels over HTTP or from file: channels, through a cache on disk that several processes may share.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/reporter.hpp"
#include "conda/channel.hpp"
#include "conda/platform.hpp"
#include "conda/repodata.hpp"
#include "net/http_client.hpp"

namespace envbuild::conda {

struct RepoDataFetchSettings {
    // "<key>.json", the decompressed repodata, and "<key>.state.json", what HTTP said of it (docs in
    // repodata_cache.hpp). Made where it is missing.
    std::filesystem::path cache_directory;
    bool refresh = false;                   // ask the server even where the cached copy is still fresh
    std::uint64_t size_limit = 2ULL << 30;  // of the decompressed json; Corrupt beyond
    std::size_t threads = 8;
};

// A channel with its subdirs, in the order asked.
struct FetchedChannel {
    Channel channel;
    std::vector<std::shared_ptr<const RepoData>>
        subdirs;  // the platform's, then noarch; empty ones where the channel has none
};

// Thread-safe. Credentials come from the client's CredentialStore (channel.hpp: remember_credentials). `http` and
// `reporter` outlive this.
class RepoDataFetcher {
  public:
    RepoDataFetcher(HttpClient& http, ChannelSettings channels, RepoDataFetchSettings settings, Reporter& reporter);

    // Every channel's `platform` and noarch, in parallel. Error: NotFound for a channel that has neither, Unauthorized,
    // Transient, Corrupt (HTML, truncated, not a repodata); each names the URL asked. A missing subdir of an existing
    // channel is empty; so is one that the server forbids (403) where it gives the other, which is how object stores
    // say "missing"; the reporter is told.
    [[nodiscard]] std::vector<FetchedChannel> fetch(const std::vector<Channel>& channels, const Platform& platform);

    // One subdir; null where every mirror says that it is not there (404, 410, a missing file).
    [[nodiscard]] std::shared_ptr<const RepoData> fetch_subdir(const Channel& channel, const std::string& subdir);

  private:
    HttpClient& http_;
    ChannelSettings channels_;
    RepoDataFetchSettings settings_;
    Reporter& reporter_;
};

}  // namespace envbuild::conda
