// The credentials that `docker login` and `podman login` left: config.json with its helpers, and auth.json.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/cancel.hpp"
#include "base/json.hpp"
#include "base/process_env.hpp"
#include "base/secret.hpp"

namespace envbuild::registry {

struct RegistryCredential {
    std::string user;
    Secret password;
    Secret identity_token;  // an OAuth2 refresh token, used instead of the password where it is not empty
    std::string where;      // for messages: "/home/u/.docker/config.json", "docker-credential-pass"
};

// Read once, then immutable. Thread-safe.
class DockerConfig {
  public:
    DockerConfig() = default;
    // $DOCKER_CONFIG/config.json or ~/.docker/config.json, then $REGISTRY_AUTH_FILE,
    // $XDG_RUNTIME_DIR/containers/auth.json,
    // ~/.config/containers/auth.json; absent ones are passed over. Error(InvalidInput) for one that cannot be parsed.
    [[nodiscard]] static DockerConfig load(const ProcessEnv& env);

    // The credential for a registry ("docker.io", "localhost:5000"), from the first file that has one: credHelpers for
    // that host, then `auths`, then credsStore. Nothing where none is known. A helper is run once for each call,
    // without a shell, and killed after `helper_timeout`. Error(Unauthorized), naming the helper, where it is missing,
    // hangs, fails or answers rubbish.
    [[nodiscard]] std::optional<RegistryCredential> find(
        const std::string& registry, const CancelToken& cancel,
        std::chrono::milliseconds helper_timeout = std::chrono::seconds(10)) const;

    // A login that stands in no file, such as a definition's baseImageRegistry: asked before the files, for this run
    // only.
    void add(const std::string& registry, RegistryCredential credential);

    // The files that were read, for messages.
    [[nodiscard]] std::vector<std::string> files() const;
    // Changes when a login changes one of the files: tokens fetched with the old ones are then no longer used.
    [[nodiscard]] const std::string& fingerprint() const { return fingerprint_; }

  private:
    struct File {
        std::filesystem::path path;
        Json json;
    };
    std::vector<File> files_;
    std::map<std::string, RegistryCredential> added_;  // by the first of a registry's keys
    std::string fingerprint_;
};

}  // namespace envbuild::registry
