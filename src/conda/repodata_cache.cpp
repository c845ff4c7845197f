#include "conda/repodata_cache.hpp"

#include <fmt/format.h>

#include <random>

#include "base/digest.hpp"
#include "base/json.hpp"

namespace envbuild::conda {

namespace fs = std::filesystem;

RepoDataCache::RepoDataCache(fs::path folder, const Url& canonical_subdir)
    : folder_(std::move(folder)),
      canonical_(canonical_subdir.to_string()),
      key_(sha256(canonical_).hex().substr(0, 32)) {}

FileLock RepoDataCache::lock(const CancelToken& cancel) const {
    std::error_code error;
    fs::create_directories(folder_, error);
    if (error)
        throw Error(ErrorKind::Io, fmt::format("cannot make the folder {}: {}", folder_.string(), error.message()));
    return FileLock(folder_ / (key_ + ".lock"), FileLock::Mode::Exclusive, cancel);
}

std::optional<RepoDataState> RepoDataCache::read() const {
    const auto bytes = read_file_if_exists(folder_ / (key_ + ".state.json"));
    if (!bytes) return std::nullopt;
    const auto json = Json::parse(*bytes);
    if (!json || json->int_or("version", 0) != 1 || json->string_or("canonical", "") != canonical_) return std::nullopt;
    RepoDataState state;
    state.url = json->string_or("url", "");
    state.etag = json->string_or("etag", "");
    state.last_modified = json->string_or("last_modified", "");
    state.max_age = json->int_or("max_age", 0);
    state.checked_at = json->int_or("checked_at", 0);
    state.missing = json->bool_or("missing", false);
    if (state.missing) return state;
    state.file = json->string_or("file", "");
    state.size = static_cast<std::uint64_t>(json->int_or("size", 0));
    if (!state.file.starts_with(key_ + ".") || state.file.find('/') != std::string::npos) return std::nullopt;
    std::error_code error;
    const auto size = fs::file_size(path_of(state), error);
    if (error || size != state.size) return std::nullopt;
    return state;
}

void RepoDataCache::write(const RepoDataState& state) const {
    Json json = Json::object();
    json.set("version", 1).set("canonical", canonical_).set("url", state.url).set("etag", state.etag);
    json.set("last_modified", state.last_modified).set("max_age", state.max_age).set("checked_at", state.checked_at);
    if (state.missing) {
        json.set("missing", true);
    } else {
        json.set("file", state.file).set("size", static_cast<std::int64_t>(state.size));
    }
    write_file_atomic(folder_ / (key_ + ".state.json"), json.dump(2) + "\n");
    std::error_code error;
    for (fs::directory_iterator it(folder_, error), end; !error && it != end; it.increment(error)) {
        const std::string name = it->path().filename();
        const bool data = name.starts_with(key_ + ".") && name != key_ + ".state.json" && name != key_ + ".lock";
        std::error_code ignored;
        // What a killed process left: this one holds the lock, and its own file has its name by now.
        const bool leftover = name.starts_with(".tmp-" + key_ + ".");
        const bool named = !state.file.empty() && name.starts_with(state.file);  // it and its index
        if (leftover || (data && !named)) fs::remove(it->path(), ignored);
    }
}

void RepoDataCache::forget() const {
    std::error_code ignored;
    fs::remove(folder_ / (key_ + ".state.json"), ignored);
}

std::string RepoDataCache::new_file_name(std::string_view ending) const {
    std::random_device random;
    return fmt::format("{}.{:08x}.{}", key_, static_cast<std::uint32_t>(random()), ending);
}

}  // namespace envbuild::conda
