#include "registry/hosts.hpp"

namespace envbuild::registry {

namespace {

bool is_ipv4(std::string_view host) {
    return host.find_first_not_of("0123456789.") == std::string_view::npos;
}

}  // namespace

bool is_link_local(std::string_view host) {
    return (host.starts_with("169.254.") && is_ipv4(host)) || host.starts_with("[fe80:");
}

Url base_url(std::string_view domain, const RegistrySettings& settings) {
    const std::string host(domain == "docker.io" ? "registry-1.docker.io" : domain);
    const Url https = value_or_throw(Url::parse("https://" + host));
    const bool plain = is_loopback(https.host()) || settings.insecure.contains(std::string(domain)) ||
                       settings.insecure.contains(https.host());
    return plain ? value_or_throw(Url::parse("http://" + host)) : https;
}

}  // namespace envbuild::registry
