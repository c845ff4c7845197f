#include "registry/authenticator.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/json.hpp"
#include "base/strings.hpp"
#include "registry/challenge.hpp"
#include "registry/hosts.hpp"

namespace envbuild::registry {

namespace {

// What the token spec says of a token that does not tell.
constexpr std::int64_t kDefaultExpiry = 60;
constexpr std::int64_t kMaxExpiry = 86400;
// How long it is remembered that a registry takes Basic. It holds no secret, so it may be long.
constexpr std::chrono::hours kBasicMemory{24 * 30};
constexpr std::uint64_t kTokenLimit = 1 << 20;

// The realm comes from the registry's answer, so it decides where credentials go: only over https, or to where the
// registry itself is.
void check_realm(const Url& realm, const AuthTarget& target) {
    const Origin origin = realm.origin();
    if (origin == target.origin) return;
    const bool registry_is_local = is_loopback(target.origin.host);
    if (is_loopback(origin.host) && registry_is_local) return;
    if (origin.scheme == "https" && !is_loopback(origin.host) && !is_link_local(origin.host)) return;
    throw Error(ErrorKind::Unauthorized,
                fmt::format("{} sends its users to {} for a token; envbuild gives credentials only to https hosts",
                            target.registry, origin.to_string()))
        .with_hint("the registry's token realm is to be corrected by who runs it");
}

}  // namespace

Authenticator::Authenticator(HttpClient& http, std::function<DockerConfig()> logins,
                             const std::filesystem::path& token_cache)
    : http_(http), logins_(std::move(logins)), tokens_(token_cache) {}

std::shared_ptr<const DockerConfig> Authenticator::config() {
    const std::scoped_lock guard(config_mutex_);
    if (!config_) config_ = std::make_shared<const DockerConfig>(logins_());
    return config_;
}

void Authenticator::learn(const std::string& registry, const RegistryCredential& login) {
    {
        const std::scoped_lock guard(config_mutex_);
        // Not asked for yet: the logins that will be know it.
        if (!config_) return;
        auto more = *config_;
        more.add(registry, login);
        config_ = std::make_shared<const DockerConfig>(std::move(more));
    }
    const std::scoped_lock guard(mutex_);
    credentials_.clear();
}

std::string Authenticator::key_of(const AuthTarget& target) {
    return target.origin.to_string() + "\n" + target.scopes + "\n" + config()->fingerprint();
}

std::optional<RegistryCredential> Authenticator::credential(const AuthTarget& target) {
    if (!target.may_send_credentials) return std::nullopt;
    // Held while a helper runs: many threads that need the same credential must not ask a person for it each.
    const std::scoped_lock guard(mutex_);
    const auto known = credentials_.find(target.registry);
    if (known != credentials_.end()) return known->second;
    auto found = config()->find(target.registry, http_.cancel());
    credentials_[target.registry] = found;
    return found;
}

bool Authenticator::authorize(HttpRequest& request, const AuthTarget& target) {
    if (request.url.origin() != target.origin) return false;
    const auto grant = tokens_.find(key_of(target));
    if (!grant) return false;
    if (!grant->token.empty()) {
        request.bearer = grant->token;
        return true;
    }
    const auto known = credential(target);
    if (!known || known->password.empty()) return false;
    request.basic = UserInfo{known->user, known->password};
    return true;
}

bool Authenticator::answer(const HttpResponse& refused, const HttpRequest& request, const AuthTarget& target) {
    const std::string key = key_of(target);
    if (const auto grant = tokens_.find(key)) {
        // Only what was sent has been refused. A grant that is newer than the request is another thread's, and may be
        // good.
        const bool sent =
            grant->token.empty() ? request.basic.has_value() : request.bearer.reveal() == grant->token.reveal();
        if (!sent) return true;
        tokens_.forget(key);
    }
    const auto challenges = parse_challenges(refused.header("www-authenticate"));
    const auto of_scheme = [&](std::string_view scheme) {
        const auto found = std::ranges::find(challenges, scheme, &Challenge::scheme);
        return found == challenges.end() ? nullptr : &*found;
    };
    if (const Challenge* bearer = of_scheme("bearer"); bearer != nullptr && bearer->parameters.contains("realm")) {
        tokens_.store(key, fetch_token(bearer->parameters, target));
        return true;
    }
    if (of_scheme("basic") == nullptr) return false;
    const auto known = credential(target);
    if (!known || known->password.empty()) return false;
    tokens_.store(key, {Secret(), std::chrono::system_clock::now() + kBasicMemory});
    return true;
}

Grant Authenticator::fetch_token(const std::map<std::string, std::string>& challenge, const AuthTarget& target) {
    const auto parameter = [&](const std::string& name) {
        const auto found = challenge.find(name);
        return found == challenge.end() ? std::string() : found->second;
    };
    auto realm = Url::parse(parameter("realm"));
    if (!realm || (realm->scheme() != "https" && realm->scheme() != "http")) {
        throw Error(ErrorKind::Transient,
                    fmt::format("{} asks for a token, but names no URL where to get one", target.registry));
    }
    check_realm(*realm, target);
    const auto known = credential(target);
    std::string form = "service=" + percent_encode(parameter("service"));
    const auto separate = split_whitespace(target.scopes);

    HttpRequest request;
    request.body_limit = kTokenLimit;
    request.stall_timeout = target.stall_timeout;
    request.headers["accept"] = "application/json";
    if (known && !known->identity_token.empty()) {
        request.method = "POST";
        request.idempotent = true;
        request.url = realm->without_user_info();
        request.headers["content-type"] = "application/x-www-form-urlencoded";
        request.body = form + "&scope=" + percent_encode(target.scopes) +
                       "&client_id=envbuild&grant_type=refresh_token&refresh_token=" +
                       percent_encode(known->identity_token.reveal());
        request.follow_redirects = false;
    } else {
        for (const auto scope : separate) form += "&scope=" + percent_encode(scope);
        const std::string separator = realm->query().empty() ? "?" : "&";
        request.url =
            value_or_throw(Url::parse(realm->without_user_info().without_fragment().to_string() + separator + form));
        if (known) request.basic = UserInfo{known->user, known->password};
    }
    const HttpResponse response = http_.send(request);
    if (response.status == 401 || response.status == 403 ||
        (response.status == 400 && known && !known->identity_token.empty())) {
        throw Error(ErrorKind::Unauthorized,
                    fmt::format("{}: its token server {} refused ({}) the request made {}", target.registry,
                                realm->host(), response.status, describe_credentials(target)))
            .with_hint(fmt::format("log in: docker login {}", target.registry));
    }
    const auto json = response.ok() ? Json::parse(response.body) : fail(ErrorKind::Corrupt, "");
    const std::string token = json ? json->string_or("token", json->string_or("access_token", "")) : "";
    if (token.empty() || has_control_character(token)) {
        throw Error(ErrorKind::Transient,
                    fmt::format("{}: its token server {} answered {}{}", target.registry, realm->host(),
                                response.status, response.ok() ? " with something that is not a token" : ""));
    }
    const auto seconds =
        std::clamp<std::int64_t>(json->int_or("expires_in", kDefaultExpiry), kDefaultExpiry, kMaxExpiry);
    return {Secret(token), std::chrono::system_clock::now() + std::chrono::seconds(seconds)};
}

std::string Authenticator::describe_credentials(const AuthTarget& target) {
    if (!target.may_send_credentials) return "without credentials (they are not sent over plain http)";
    if (const auto known = credential(target)) {
        return known->user.empty() ? fmt::format("with the login from {}", known->where)
                                   : fmt::format("as '{}' with the login from {}", known->user, known->where);
    }
    const auto files = config()->files();
    if (files.empty()) return "without credentials (there is no ~/.docker/config.json)";
    return fmt::format("without credentials (none for it in {})", join(files, ", "));
}

}  // namespace envbuild::registry
