// A subdir that is served in shards (CEP 16): a name's records are fetched when the name is asked for. Internal to
// conda/.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/url.hpp"
#include "conda/repodata.hpp"
#include "conda/shard.hpp"
#include "net/http_client.hpp"

namespace envbuild::conda {

struct ShardedSubdirSettings {
    // <folder>/<2 hex digits>/<sha256>.msgpack.zst, as the server gave it: immutable, shared by all channels.
    std::filesystem::path folder;
    std::uint64_t size_limit = 0;  // of a decompressed shard, 256 MiB at most; Corrupt beyond
};

class ShardedSubdir : public SubdirRecords {
  public:
    // `index_urls` are where the index came from and where other mirrors would have it, with the credentials that they
    // are asked with; one at least. A shard that one mirror has not or has damaged is asked of the next; the first
    // failure is thrown where none has it. `http` outlives this. Error(Corrupt) where the index names no place of
    // shards that can be used, or another subdir. So is a shard that holds records, but none of the name that it is
    // listed under.
    ShardedSubdir(HttpClient& http, ShardIndex index, const std::vector<Url>& index_urls, RepoData::Origin origin,
                  ShardedSubdirSettings settings);

    [[nodiscard]] std::shared_ptr<const NameRecords> open(std::string_view name) const override;
    [[nodiscard]] std::vector<std::string> names() const override;
    [[nodiscard]] bool has(std::string_view name) const override;
    [[nodiscard]] std::vector<std::string> needs(std::string_view name) const override;
    [[nodiscard]] bool is_sharded() const override { return true; }

    // Removes shards that no run has used for a month.
    static void sweep(const std::filesystem::path& folder);

  private:
    struct Loaded {
        std::shared_ptr<const RepoData> data;
        std::vector<std::string> needs;
    };
    // Null where there is no such name.
    [[nodiscard]] std::shared_ptr<const Loaded> load(std::string_view name) const;
    [[nodiscard]] std::string bytes_of(const Digest& digest, const std::string& shown) const;
    [[nodiscard]] std::string from_mirrors(const Digest& digest, const std::string& shown) const;
    [[nodiscard]] std::string from_mirror(const Url& shards, const Digest& digest, const std::string& shown) const;

    HttpClient& http_;
    ShardIndex index_;
    std::vector<Url> shards_urls_;
    mutable std::atomic<std::size_t> first_mirror_ =
        0;  // of shards_urls_: one that has failed is not asked first again
    RepoData::Origin origin_;
    ShardedSubdirSettings settings_;
    mutable std::mutex mutex_;  // guards loaded_
    mutable std::map<std::string, std::shared_ptr<const Loaded>, std::less<>> loaded_;
};

}  // namespace envbuild::conda
