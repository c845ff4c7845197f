// Where the Docker engine listens.
#pragma once

#include <string>
#include <string_view>

#include "base/process_env.hpp"
#include "base/url.hpp"

namespace envbuild::docker {

// A value: a unix socket or a TCP address.
class Endpoint {
  public:
    // "unix:///path", "tcp://host[:2375]", "http://host[:80]"; InvalidInput for anything else, with the reason: ssh://
    // and TLS are not supported.
    [[nodiscard]] static Expected<Endpoint> parse(std::string_view text);

    // As the docker command finds it: $DOCKER_HOST, else the context named by $DOCKER_CONTEXT or by "currentContext" in
    // config.json of $DOCKER_CONFIG (~/.docker), else /var/run/docker.sock. Throws InvalidInput that names where the
    // setting was found.
    [[nodiscard]] static Endpoint from_env(const ProcessEnv& env);

    [[nodiscard]] const std::string& unix_socket() const { return unix_socket_; }  // "" for TCP
    [[nodiscard]] const Url& url() const { return url_; }                          // what API paths are appended to
    [[nodiscard]] std::string to_string() const;                                   // "unix:///…" or "tcp://host:port"

    bool operator==(const Endpoint&) const = default;

  private:
    Endpoint(std::string unix_socket, Url url) : unix_socket_(std::move(unix_socket)), url_(std::move(url)) {}

    std::string unix_socket_;
    Url url_;
};

}  // namespace envbuild::docker
