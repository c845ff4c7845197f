// Authenticator: makes requests acceptable to registries, with Basic or with tokens (distribution project, token
// authentication spec).
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/reporter.hpp"
#include "net/http_client.hpp"
#include "registry/docker_config.hpp"
#include "registry/token_cache.hpp"

namespace envbuild::registry {

// Where a request goes and what it needs there.
struct AuthTarget {
    std::string registry;  // as credentials name it: "docker.io", "localhost:5000"
    Origin origin;         // where requests go: https, or http to a loopback or an insecure host
    bool may_send_credentials = true;
    std::string scopes;  // "repository:team/envs:pull,push", several joined by a space
    std::chrono::milliseconds stall_timeout{30000};
};

// Thread-safe. Credentials are looked up only when a registry asks for them: a helper is not run for a public image.
class Authenticator {
  public:
    // `http` is borrowed. `logins` is called by the first request, again by the next one where it throws; what it
    // throws comes out of that request.
    Authenticator(HttpClient& http, std::function<DockerConfig()> logins, const std::filesystem::path& token_cache);

    // Adds what an earlier answer showed to be right; nothing where none is known. True where it added something.
    bool authorize(HttpRequest& request, const AuthTarget& target);
    // After a 401 to `request`: gets what its challenge asks for, so that authorize() adds it; what another thread has
    // got meanwhile is taken. False where there is nothing (more) to try. Throws Error: Unauthorized when the token
    // server refuses or may not be given the credentials, Transient when it is down or answers no token.
    bool answer(const HttpResponse& refused, const HttpRequest& request, const AuthTarget& target);

    // A login that the run came upon: asked before all others from now on.
    void learn(const std::string& registry, const RegistryCredential& login);

    // For messages: "with the credentials of 'bob' from /x/config.json", "without credentials (none in …)".
    [[nodiscard]] std::string describe_credentials(const AuthTarget& target);

  private:
    [[nodiscard]] std::optional<RegistryCredential> credential(const AuthTarget& target);
    [[nodiscard]] Grant fetch_token(const std::map<std::string, std::string>& challenge, const AuthTarget& target);
    [[nodiscard]] std::string key_of(const AuthTarget& target);
    [[nodiscard]] std::shared_ptr<const DockerConfig> config();

    HttpClient& http_;
    std::function<DockerConfig()> logins_;
    std::mutex config_mutex_;
    std::shared_ptr<const DockerConfig> config_;  // replaced as a whole where a login is learned
    TokenCache tokens_;
    std::mutex mutex_;
    std::map<std::string, std::optional<RegistryCredential>> credentials_;  // by registry, once asked for
};

}  // namespace envbuild::registry
