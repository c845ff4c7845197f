#include "conda/sharded_subdir.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>

#include "base/fs.hpp"
#include "base/strings.hpp"
#include "conda/channel.hpp"
#include "conda/repodata_download.hpp"
#include "conda/stream_decoder.hpp"

namespace envbuild::conda {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kEnding = ".msgpack.zst";
// One name's records, in memory: the whole of the largest channels is not much more.
constexpr std::uint64_t kLargestShard = 256ULL << 20;

std::vector<Url> shards_urls(const ShardIndex& index, const std::vector<Url>& index_urls, const std::string& shown) {
    std::vector<Url> urls;
    for (const Url& index_url : index_urls) {
        // "shards" and "shards/" are the same folder: what is meant is a place to put names behind.
        auto url = index.shards_base_url.empty() ? index_url.resolve("./") : index_url.resolve(index.shards_base_url);
        if (!url || (url->scheme() != "http" && url->scheme() != "https")) {
            throw Error(ErrorKind::Corrupt, fmt::format("{}: its shards_base_url '{}' cannot be used", shown,
                                                        redact(index.shards_base_url)));
        }
        // An absolute one is the same for all mirrors.
        if (std::find(urls.begin(), urls.end(), *url) == urls.end()) urls.push_back(std::move(*url));
    }
    return urls;
}

// A cache that is full or may not be written makes the next run slower, and this one no worse.
void write_if_possible(const fs::path& file, std::string_view bytes) {
    try {
        write_cache_file(file, bytes);
    } catch (const Error&) {
        return;
    }
}

}  // namespace

ShardedSubdir::ShardedSubdir(HttpClient& http, ShardIndex index, const std::vector<Url>& index_urls,
                             RepoData::Origin origin, ShardedSubdirSettings settings)
    : http_(http),
      index_(std::move(index)),
      shards_urls_(shards_urls(index_, index_urls, origin.shown)),
      origin_(std::move(origin)),
      settings_(std::move(settings)) {
    settings_.size_limit = std::min(settings_.size_limit, kLargestShard);
    // As conda does: a mirror that gives another folder's file gives all the wrong packages.
    if (!index_.subdir.empty() && index_.subdir != origin_.subdir)
        throw Error(ErrorKind::Corrupt,
                    fmt::format("{} is of {}, not of {}", origin_.shown, index_.subdir.substr(0, 40), origin_.subdir));
}

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
    loaded->data = RepoData::from_bytes(std::move(shard.repodata), origin);
    const auto names = loaded->data->names();
    if (!names.empty() && !loaded->data->has(name))
        throw Error(ErrorKind::Corrupt,
                    fmt::format("{} holds no record of {}, but of {}", origin.shown, name, names.front()))
            .with_hint("the channel's index is wrong: tell whoever runs it, or use another mirror of the channel");
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
    auto bytes = from_mirrors(digest, shown);
    write_if_possible(file, bytes);
    return bytes;
}

std::string ShardedSubdir::from_mirrors(const Digest& digest, const std::string& shown) const {
    std::optional<Error> failure;
    const std::size_t first = first_mirror_;
    for (std::size_t i = 0; i < shards_urls_.size(); ++i) {
        const std::size_t mirror = (first + i) % shards_urls_.size();
        try {
            auto bytes = from_mirror(shards_urls_[mirror], digest, shown);
            if (failure) first_mirror_ = mirror;
            return bytes;
        } catch (const Error& error) {
            if (ends_the_run(error)) throw;
            if (!failure) failure = error;
        }
    }
    throw Error(std::move(*failure));
}

std::string ShardedSubdir::from_mirror(const Url& shards, const Digest& digest, const std::string& shown) const {
    HttpRequest request;
    request.url = shards.join(digest.hex() + std::string(kEnding));
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
