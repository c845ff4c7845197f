// Which hosts are this machine, and how a registry's name becomes the URL that is asked.
#pragma once

#include <string>
#include <string_view>

#include "base/loopback.hpp"
#include "base/url.hpp"
#include "registry/settings.hpp"

namespace envbuild::registry {

[[nodiscard]] bool is_link_local(
    std::string_view host);  // 169.254.0.0/16, [fe80::…]: where clouds hand out machine credentials

// "docker.io" -> https://registry-1.docker.io; plain http for loopback hosts and for those that the settings name.
// InvalidInput where `domain` is no host.
[[nodiscard]] Url base_url(std::string_view domain, const RegistrySettings& settings);

}  // namespace envbuild::registry
