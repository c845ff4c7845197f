#include "docker/endpoint.hpp"

#include <fmt/format.h>

#include "base/digest.hpp"
#include "base/fs.hpp"
#include "base/json.hpp"

namespace envbuild::docker {

namespace {

constexpr std::string_view kDefault = "unix:///var/run/docker.sock";
constexpr int kDefaultPort = 2375;

// An error of what was configured somewhere, with the place.
Endpoint parse_setting(const std::string& host, const std::string& where) {
    auto endpoint = Endpoint::parse(host);
    if (!endpoint) throw std::move(endpoint.error()).with_context(fmt::format("reading {}", where));
    return std::move(*endpoint);
}

Json read_json(const fs::path& path) {
    const auto text = read_file_if_exists(path);
    if (!text) return Json::object();
    auto json = Json::parse(*text);
    if (!json) {
        throw Error(ErrorKind::InvalidInput, fmt::format("{} is not JSON: {}", path.string(), json.error().message()));
    }
    return std::move(*json);
}

// docker/cli, cli/context/store: contexts lie in folders named by the hash of their name.
Endpoint from_context(const fs::path& config, const std::string& name, const std::string& named_by) {
    const std::string folder = sha256(name).hex();
    const fs::path path = config / "contexts" / "meta" / folder / "meta.json";
    if (!fs::exists(path)) {
        throw Error(ErrorKind::InvalidInput,
                    fmt::format("the Docker context '{}' (from {}) does not exist", name, named_by))
            .with_hint("see 'docker context ls', or set DOCKER_HOST");
    }
    const std::string host = read_json(path)["Endpoints"]["docker"].string_or("Host", "");
    if (host.empty()) throw Error(ErrorKind::InvalidInput, fmt::format("{} names no Docker host", path.string()));
    if (fs::exists(config / "contexts" / "tls" / folder / "docker")) {
        throw Error(ErrorKind::InvalidInput,
                    fmt::format("the Docker context '{}' ({}) uses TLS, which envbuild does not speak to engines yet",
                                name, host))
            .with_hint("set DOCKER_HOST to a unix:// socket or a tcp:// address without TLS");
    }
    return parse_setting(host, fmt::format("the Docker context '{}' (from {})", name, named_by));
}

}  // namespace

Expected<Endpoint> Endpoint::parse(std::string_view text) {
    if (text.starts_with("unix://")) {
        std::string path(text.substr(7));
        if (!path.starts_with('/'))
            return fail(ErrorKind::InvalidInput, fmt::format("'{}': a Docker socket is an absolute path", text));
        return Endpoint(std::move(path), value_or_throw(Url::parse("http://docker")));
    }
    if (text.starts_with("/")) return parse("unix://" + std::string(text));
    if (text.starts_with("ssh://")) {
        return std::unexpected(
            Error(ErrorKind::InvalidInput, "envbuild does not reach Docker engines over ssh:// yet")
                .with_hint("forward the socket (ssh -L /tmp/docker.sock:/var/run/docker.sock HOST) and "
                           "set DOCKER_HOST=unix:///tmp/docker.sock"));
    }
    if (!text.starts_with("tcp://") && !text.starts_with("http://")) {
        return fail(ErrorKind::InvalidInput,
                    fmt::format("'{}' is no Docker host: it begins with unix:// or tcp://", redact(text)));
    }
    const bool tcp = text.starts_with("tcp://");
    std::string address = tcp ? "http://" + std::string(text.substr(6)) : std::string(text);
    auto url = Url::parse(address);
    if (!url) return std::unexpected(std::move(url.error()));
    // Url drops http's own port, so an explicit ":80" looks like none.
    const bool has_port = url->port() || address.ends_with(":80") || address.find(":80/") != std::string::npos;
    if (tcp && !has_port) url = Url::parse(fmt::format("http://{}:{}{}", url->host(), kDefaultPort, url->path()));
    return Endpoint("", url->without_user_info());
}

Endpoint Endpoint::from_env(const ProcessEnv& env) {
    if (const auto host = env.get_nonempty("DOCKER_HOST")) {
        const auto tls = env.get_nonempty("DOCKER_TLS_VERIFY");
        if (tls && !host->starts_with("unix://")) {
            throw Error(ErrorKind::InvalidInput,
                        "DOCKER_TLS_VERIFY is set, and envbuild does not speak TLS to Docker engines yet")
                .with_hint("set DOCKER_HOST to a unix:// socket or a tcp:// address without TLS");
        }
        return parse_setting(*host, "DOCKER_HOST");
    }
    const auto configured = env.get_nonempty("DOCKER_CONFIG");
    const fs::path config = configured ? fs::path(*configured) : env.home() / ".docker";
    std::string named_by = "DOCKER_CONTEXT";
    std::string context = env.get_nonempty("DOCKER_CONTEXT").value_or("");
    if (context.empty()) {
        named_by = (config / "config.json").string();
        context = read_json(config / "config.json").string_or("currentContext", "");
    }
    if (!context.empty() && context != "default") return from_context(config, context, named_by);
    return value_or_throw(parse(kDefault));
}

std::string Endpoint::to_string() const {
    if (!unix_socket_.empty()) return "unix://" + unix_socket_;
    const Origin origin = url_.origin();
    return fmt::format("tcp://{}:{}{}", origin.host, origin.port, url_.path() == "/" ? "" : url_.path());
}

}  // namespace envbuild::docker
