#include "registry/hosts.hpp"

#include <fmt/format.h>

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

Mirror parse_mirror(std::string_view text) {
    Mirror mirror;
    std::string_view rest = text;
    for (const std::string_view known : {"http://", "https://"}) {
        if (!rest.starts_with(known)) continue;
        mirror.scheme = known.substr(0, known.find(':'));
        rest.remove_prefix(known.size());
    }
    while (rest.ends_with('/')) rest.remove_suffix(1);
    const auto slash = rest.find('/');
    mirror.domain = rest.substr(0, slash);
    if (slash != std::string_view::npos) mirror.prefix = rest.substr(slash + 1);
    if (mirror.domain.empty() || mirror.domain.find('@') != std::string::npos)
        throw Error(ErrorKind::InvalidInput,
                    fmt::format("'{}' is not a registry mirror; write host[:port][/prefix]", redact(text)));
    return mirror;
}

Reach reach(std::string_view domain, const RegistrySettings& settings) {
    const Url usual = base_url(domain, settings);
    for (const auto& [registry, mirrors] : settings.mirrors) {
        for (const auto& text : mirrors) {
            const auto mirror = parse_mirror(text);
            if (mirror.domain != domain || mirror.scheme.empty()) continue;
            return {value_or_throw(Url::parse(mirror.scheme + "://" + mirror.domain)),
                    mirror.scheme == "https" || usual.scheme() == "http"};
        }
    }
    return {usual, true};
}

}  // namespace envbuild::registry
