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
    // What was fetched and what HTTP said of it (repodata_cache.hpp), and "shards" (sharded_subdir.hpp). Made where it
    // is missing.
    std::filesystem::path cache_directory;
    bool refresh = false;                   // ask the server even where the cached copy is still fresh
    std::uint64_t size_limit = 2ULL << 30;  // of the decompressed json; Corrupt beyond
    std::size_t threads = 8;
    std::size_t shard_threads = 32;  // requests for shards at once: small, and many
};

// A channel with its subdirs, in the order asked.
struct FetchedChannel {
    Channel channel;
    std::vector<std::shared_ptr<const SubdirRecords>>
        subdirs;  // the platform's, then noarch; empty ones where the channel has none
};

// Thread-safe. Credentials come from the client's CredentialStore (channel.hpp: remember_credentials). `http` and
// `reporter` outlive this and
// what it fetches.
class RepoDataFetcher {
  public:
    RepoDataFetcher(HttpClient& http, ChannelSettings channels, RepoDataFetchSettings settings, Reporter& reporter);

    // Every channel's `platform` and noarch, in parallel. Of those that are served in shards, the shards that can be
    // reached from `roots`, names of packages, are fetched too, all of a wave together; others are when they are asked
    // for. Error: NotFound for a channel that has neither subdir, Unauthorized, Transient, Corrupt (HTML, truncated,
    // not a repodata); each names the URL asked. A missing subdir of an existing channel is empty; so is one that the
    // server forbids (403) where it gives the other, which is how object stores say "missing"; the reporter is told.
    [[nodiscard]] std::vector<FetchedChannel> fetch(const std::vector<Channel>& channels, const Platform& platform,
                                                    const std::vector<std::string>& roots = {});

    // One subdir; null where every mirror says that it is not there (404, 410, a missing file). Asked for are the index
    // of its shards (CEP 16), repodata.json.zst, repodata.json and repodata.json.bz2, in this order, or first the form
    // that is in the cache. A form that the server refuses to give or gives damaged is passed over for the next form,
    // then the next mirror; the reporter is told of damaged ones. The first failure is thrown where none came.
    [[nodiscard]] std::shared_ptr<const SubdirRecords> fetch_subdir(const Channel& channel, const std::string& subdir);

  private:
    void fetch_reachable(const std::vector<FetchedChannel>& channels, const std::vector<std::string>& roots);

    HttpClient& http_;
    ChannelSettings channels_;
    RepoDataFetchSettings settings_;
    Reporter& reporter_;
};

}  // namespace envbuild::conda
