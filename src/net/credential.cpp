#include "net/credential.hpp"

#include <mutex>
#include <vector>

#include "base/fs.hpp"
#include "base/loopback.hpp"
#include "net/netrc.hpp"

namespace envbuild {

namespace {

// True where `path` is `prefix` or lies under it, segment by segment.
bool is_under(std::string_view path, std::string_view prefix) {
    while (prefix.ends_with('/')) prefix.remove_suffix(1);
    return path.starts_with(prefix) && (path.size() == prefix.size() || path[prefix.size()] == '/');
}

}  // namespace

struct CredentialStore::State {
    struct Entry {
        Origin origin;
        std::string prefix;
        Credential credential;
    };
    struct Token {
        Origin origin;
        std::string prefix, location;
        Secret token;
        [[nodiscard]] std::string inserted() const { return location + "/t/" + percent_encode(token.reveal()); }
    };

    mutable std::mutex mutex;
    std::vector<Entry> entries;
    std::vector<Token> tokens;
    std::vector<net::NetrcEntry> netrc;

    void add(const Url& prefix, Credential credential) {
        const std::lock_guard lock(mutex);
        entries.push_back({prefix.origin(), prefix.path(), std::move(credential)});
    }
};

CredentialStore::CredentialStore() : state_(std::make_shared<State>()) {}

bool CredentialStore::add_from_url(const Url& url) const {
    if (!url.user_info()) return false;
    state_->add(url, {url.user_info(), {}});
    return true;
}

void CredentialStore::add_basic(const Url& prefix, UserInfo user) const {
    state_->add(prefix, {std::move(user), {}});
}

void CredentialStore::add_bearer(const Url& prefix, Secret token) const {
    state_->add(prefix, {std::nullopt, std::move(token)});
}

void CredentialStore::add_conda_token(const Url& canonical_prefix, Secret token, std::string_view location) const {
    while (location.ends_with('/')) location.remove_suffix(1);
    const std::lock_guard lock(state_->mutex);
    state_->tokens.push_back(
        {canonical_prefix.origin(), canonical_prefix.path(), std::string(location), std::move(token)});
}

void CredentialStore::add_netrc(std::string_view text) const {
    auto entries = net::parse_netrc(text);
    const std::lock_guard lock(state_->mutex);
    for (auto& entry : entries) state_->netrc.push_back(std::move(entry));
}

std::optional<CredentialStore::Credential> CredentialStore::find(const Url& url) const {
    const std::lock_guard lock(state_->mutex);
    const Origin origin = url.origin();
    const State::Entry* best = nullptr;
    for (const auto& entry : state_->entries) {
        if (entry.origin != origin || !is_under(url.path(), entry.prefix)) continue;
        if (best == nullptr || entry.prefix.size() >= best->prefix.size()) best = &entry;
    }
    if (best != nullptr) return best->credential;
    if (url.scheme() != "https" && !is_loopback(url.host())) return std::nullopt;
    for (const auto& entry : state_->netrc) {
        if (entry.machine == url.host()) return Credential{entry.user, {}};
    }
    return std::nullopt;
}

Url CredentialStore::wire_url(const Url& url) const {
    const std::lock_guard lock(state_->mutex);
    const Origin origin = url.origin();
    const State::Token* best = nullptr;
    for (const auto& token : state_->tokens) {
        if (token.origin != origin || !is_under(url.path(), token.prefix) || !is_under(url.path(), token.location))
            continue;
        if (best == nullptr || token.prefix.size() >= best->prefix.size()) best = &token;
    }
    if (best == nullptr) return url;
    return url.with_path(best->inserted() + url.path().substr(best->location.size()));
}

Url CredentialStore::canonical_url(const Url& url) const {
    const std::lock_guard lock(state_->mutex);
    for (const auto& token : state_->tokens) {
        if (token.origin == url.origin() && is_under(url.path(), token.inserted()))
            return url.with_path(token.location + url.path().substr(token.inserted().size()));
    }
    return url;
}

CredentialStore CredentialStore::from_env(const ProcessEnv& env) {
    CredentialStore store;
    const auto named = env.get_nonempty("NETRC");
    const fs::path path = named ? fs::path(*named) : env.home() / ".netrc";
    try {
        if (const auto text = read_file_if_exists(path)) store.add_netrc(*text);
    } catch (const Error&) {
        // Unreadable is like absent: other tools that read netrc say nothing either, and most users have none.
    }
    return store;
}

}  // namespace envbuild
