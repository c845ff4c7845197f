// Credentials for registries, as the engine takes them in headers.
#pragma once

#include <string>
#include <vector>

#include "base/url.hpp"

namespace envbuild::docker {

struct RegistryAuth {
    std::string registry;  // "host[:port]"
    UserInfo user;
    Secret identity_token;  // instead of `user`
};

// X-Registry-Auth: one credential, or none ("{}"), in URL-safe base64 with padding; engines take other spellings
// silently as none.
[[nodiscard]] std::string registry_auth_header(const RegistryAuth* auth);
// X-Registry-Config: several, by registry.
[[nodiscard]] std::string registry_config_header(const std::vector<RegistryAuth>& auths);

}  // namespace envbuild::docker
