#include "conda/sharded_subdir.hpp"

#include <fmt/format.h>

#include <chrono>

#include "base/fs.hpp"
#include "base/strings.hpp"
#include "conda/channel.hpp"
#include "conda/stream_decoder.hpp"

namespace envbuild::conda {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kEnding = ".msgpack.zst";

Url shards_url(const ShardIndex& index, const Url& index_url, const std::string& shown) {
    // "shards" and "shards/" are the same folder: what is meant is a place to put names behind.
    auto url = index.shards_base_url.empty() ? index_url.resolve("./") : index_url.resolve(index.shards_base_url);
    if (!url || (url->scheme() != "http" && url->scheme() != "https"))
        throw Error(ErrorKind::Corrupt,
                    fmt::format("{}: its shards_base_url '{}' cannot be used", shown, redact(index.shards_base_url)));
    return std::move(*url);
}

}  // namespace

ShardedSubdir::ShardedSubdir(HttpClient& http, ShardIndex index, const Url& index_url, RepoData::Origin origin,
                             ShardedSubdirSettings settings)
    : http_(http),
      index_(std::move(index)),
      shards_url_(shards_url(index_, index_url, origin.shown)),
      origin_(std::move(origin)),
      settings_(std::move(settings)) {}

std::shared_ptr<const NameRecords> ShardedSubdir::open(std::string_view name) const {
    const auto shard = load(name);
    return shard ? shard->data->open(name) : nullptr;
}

std::vector<std::string> ShardedSubdir::names() const {
    std::vector<std::string> names;
    names.reserve(index_.shards.size());
    for (const auto& [name, digest] : index_.shards) names.push_back(name);
    return names;
}

bool ShardedSubdir::has(std::string_view name) const {
    return index_.shards.contains(name);
}

std::vector<std::string> ShardedSubdir::needs(std::string_view name) const {
    const auto shard = load(name);
    return shard ? shard->needs : std::vector<std::string>();
}

std::shared_ptr<const ShardedSubdir::Loaded> ShardedSubdir::load(std::string_view name) const {
    const auto entry = index_.shards.find(name);
    if (entry == index_.shards.end()) return nullptr;
    {
        const std::lock_guard lock(mutex_);
        if (const auto found = loaded_.find(name); found != loaded_.end()) return found->second;
    }
    auto origin = origin_;
    origin.shown = fmt::format("the shard {} of {}", entry->first, origin_.shown);
    const auto bytes = decompress(bytes_of(entry->second, origin.shown), settings_.size_limit, origin.shown);
    auto shard = decode_shard(bytes, index_.base_url, origin.shown);
    auto loaded = std::make_shared<Loaded>();
    loaded->needs = std::move(shard.needs);
    loaded->data = RepoData::from_bytes(std::move(shard.repodata), std::move(origin));
    const std::lock_guard lock(mutex_);
    return loaded_.try_emplace(std::string(name), std::move(loaded)).first->second;
}

std::string ShardedSubdir::bytes_of(const Digest& digest, const std::string& shown) const {
    const auto file = settings_.folder / digest.hex().substr(0, 2) / (digest.hex() + std::string(kEnding));
    std::error_code ignored;
    if (auto cached = read_file_if_exists(file); cached && sha256(*cached) == digest) {
        // What is used stays; sweep() looks at this time.
        fs::last_write_time(file, fs::file_time_type::clock::now(), ignored);
        return std::move(*cached);
    }
    HttpRequest request;
    request.url = shards_url_.join(digest.hex() + std::string(kEnding));
    request.body_limit = settings_.size_limit;
    auto response = http_.send(request);
    if (!response.ok()) {
        auto error = http_error(shown, request, response);
        if (response.status != 404 && response.status != 410) throw Error(std::move(error));
        throw Error(ErrorKind::Transient, error.message())
            .with_hint(
                "the channel has changed since its index was read; the same command with --refresh reads it anew");
    }
    if (sha256(response.body) != digest)
        throw Error(ErrorKind::Corrupt, fmt::format("{} has another sha256 than the channel's index says", shown));
    fs::create_directories(file.parent_path(), ignored);
    write_file_atomic(file, response.body);
    return std::move(response.body);
}

void ShardedSubdir::sweep(const fs::path& folder) {
    const auto oldest = fs::file_time_type::clock::now() - std::chrono::hours(24 * 30);
    std::error_code error;
    for (fs::recursive_directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
        std::error_code failed;
        const auto used = it->last_write_time(failed);
        if (!failed && used < oldest && it->is_regular_file(failed)) fs::remove(it->path(), failed);
    }
}

}  // namespace envbuild::conda
