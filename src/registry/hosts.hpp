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

// A mirror as the settings write it, "[http[s]://]host[:port][/prefix]".
struct Mirror {
    std::string scheme;  // "" where the rule of base_url() decides
    std::string domain;  // "mirror.lab:5000"
    std::string prefix;  // "hub", or ""
};
[[nodiscard]] Mirror parse_mirror(std::string_view text);  // throws InvalidInput

// How a registry or a mirror is spoken to. As base_url(), but a scheme that the settings write before a mirror's host
// holds for that host. Plain http that only such a line asks for is fine for content, which has a digest, but not for
// passwords.
struct Reach {
    Url base;
    bool may_send_credentials = true;
};
[[nodiscard]] Reach reach(std::string_view domain, const RegistrySettings& settings);

}  // namespace envbuild::registry
