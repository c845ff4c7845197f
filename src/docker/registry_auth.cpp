#include "docker/registry_auth.hpp"

#include "base/json.hpp"
#include "base/strings.hpp"

namespace envbuild::docker {

namespace {

Json credential(const RegistryAuth& auth) {
    Json json = Json::object();
    if (!auth.identity_token.empty()) {
        json.set("identitytoken", auth.identity_token.reveal());
    } else {
        json.set("username", auth.user.user);
        json.set("password", auth.user.password.reveal());
    }
    return json;
}

}  // namespace

std::string registry_auth_header(const RegistryAuth* auth) {
    Json json = Json::object();
    if (auth != nullptr) json = credential(*auth).set("serveraddress", auth->registry);
    return base64(json.dump(), true);
}

std::string registry_config_header(const std::vector<RegistryAuth>& auths) {
    Json json = Json::object();
    for (const auto& auth : auths) json.set(auth.registry, credential(auth));
    return base64(json.dump(), true);
}

}  // namespace envbuild::docker
