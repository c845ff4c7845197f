#include "registry/token_cache.hpp"

#include <algorithm>
#include <system_error>

#include "base/digest.hpp"
#include "base/fs.hpp"
#include "base/json.hpp"

namespace envbuild::registry {

namespace {

// A token that ends while a request is on its way is no use.
constexpr std::chrono::seconds kMargin{10};
constexpr std::chrono::hours kKeepFor{24};
constexpr std::uint64_t kFileLimit = 1 << 20;

bool is_current(const Grant& grant) {
    return grant.expires > std::chrono::system_clock::now() + kMargin;
}

std::int64_t to_unix(std::chrono::system_clock::time_point time) {
    return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

void remove_old(const fs::path& folder) {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder, error)) {
        const auto written = fs::last_write_time(entry.path(), error);
        if (!error && written < fs::file_time_type::clock::now() - kKeepFor) fs::remove(entry.path(), error);
    }
}

}  // namespace

std::filesystem::path TokenCache::path_of(const std::string& key) const {
    return folder_ / (sha256(key).hex() + ".json");
}

std::optional<Grant> TokenCache::read(const std::string& key) const {
    if (folder_.empty()) return std::nullopt;
    try {
        const auto json = Json::parse(read_file(path_of(key), kFileLimit));
        if (!json || json->string_or("key", "") != key || !(*json)["expires"].is_int()) return std::nullopt;
        return Grant{Secret(json->string_or("token", "")),
                     std::chrono::system_clock::time_point(std::chrono::seconds((*json)["expires"].as_int()))};
    } catch (const Error&) {
        return std::nullopt;
    }
}

std::optional<Grant> TokenCache::find(const std::string& key) {
    const std::scoped_lock guard(mutex_);
    const auto found = grants_.find(key);
    if (found != grants_.end()) return is_current(found->second) ? std::optional(found->second) : std::nullopt;
    auto grant = read(key);
    if (!grant || !is_current(*grant)) return std::nullopt;
    grants_[key] = *grant;
    return grant;
}

void TokenCache::store(const std::string& key, const Grant& grant) {
    const std::scoped_lock guard(mutex_);
    grants_[key] = grant;
    if (folder_.empty()) return;
    try {
        fs::create_directories(folder_);
        fs::permissions(folder_, fs::perms::owner_all);
        remove_old(folder_);
        Json json = Json::object();
        json.set("key", key).set("token", grant.token.reveal()).set("expires", to_unix(grant.expires));
        write_file_atomic(path_of(key), json.dump(), fs::perms::owner_read | fs::perms::owner_write);
    } catch (const std::exception&) {
        // Kept in memory; the next run asks for a token again.
        return;
    }
}

void TokenCache::forget(const std::string& key) {
    const std::scoped_lock guard(mutex_);
    grants_.erase(key);
    std::error_code ignored;
    if (!folder_.empty()) fs::remove(path_of(key), ignored);
}

}  // namespace envbuild::registry
