#include "docker/engine.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <system_error>

#include "base/strings.hpp"

namespace envbuild::docker {

namespace {

using ApiVersion = std::pair<int, int>;

constexpr ApiVersion kOldest{1, 41};
constexpr ApiVersion kNewest{1, 47};
constexpr auto kPatience = std::chrono::seconds(120);
constexpr auto kCleanupTime = std::chrono::seconds(20);

std::optional<ApiVersion> parse_version(std::string_view text) {
    ApiVersion version;
    const auto* end = text.data() + text.size();
    const auto major = std::from_chars(text.data(), end, version.first);
    if (major.ec != std::errc{} || major.ptr == end || *major.ptr != '.') return std::nullopt;
    const auto minor = std::from_chars(major.ptr + 1, end, version.second);
    if (minor.ec != std::errc{} || minor.ptr != end) return std::nullopt;
    return version;
}

// Engines before 23 say nothing of their builder and all have BuildKit; later ones say which one their owner wants.
bool offers_buildkit(const HttpResponse& ping, const EngineInfo& info) {
    const std::string builder = ping.header("builder-version");
    if (!builder.empty()) return builder == "2";
    return info.server.starts_with("Docker/") && info.os_type == "linux";
}

int connect_errno(const std::string& socket) {
    const UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (socket.size() >= sizeof address.sun_path) return ENAMETOOLONG;
    socket.copy(address.sun_path, sizeof address.sun_path - 1);
    return ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ? 0 : errno;
}

constexpr const char* kStartHint =
    "start Docker (sudo systemctl start docker), or set DOCKER_HOST to where the engine listens";

// libcurl says only that it could not connect; the socket itself says why.
Error describe(const Endpoint& endpoint, Error&& error) {
    const std::string where = endpoint.to_string();
    const int code = endpoint.unix_socket().empty() ? 0 : connect_errno(endpoint.unix_socket());
    switch (code) {
        case 0:
            break;
        case EACCES:
        case EPERM:
            return Error(ErrorKind::Unauthorized, fmt::format("no permission to use the Docker engine at {}", where))
                .with_hint("add yourself to the docker group (sudo usermod -aG docker \"$USER\") and log in again");
        case ENOENT:
        case ENOTDIR:
            return Error(ErrorKind::Transient, fmt::format("there is no Docker engine at {}", where))
                .with_hint(kStartHint);
        case ECONNREFUSED:
            return Error(ErrorKind::Transient, fmt::format("no Docker engine answers at {}: is it stopped?", where))
                .with_hint(kStartHint);
        default:
            return Error(ErrorKind::Transient, fmt::format("the Docker engine at {} cannot be reached: {}", where,
                                                           std::generic_category().message(code)))
                .with_hint(kStartHint);
    }
    error.add_context(fmt::format("talking to the Docker engine at {}", where));
    if (error.hint().empty() && endpoint.unix_socket().empty()) return std::move(error).with_hint(kStartHint);
    return std::move(error);
}

}  // namespace

Engine::Engine(Endpoint endpoint, const HttpSettings& settings, CancelToken cancel)
    : endpoint_(std::move(endpoint)),
      cancel_(std::move(cancel)),
      client_(settings, cancel_),
      cleaner_(settings, CancelToken()) {}

Engine::~Engine() = default;

HttpResponse Engine::send_raw(HttpClient& client, const HttpRequest& request) {
    try {
        return client.send(request);
    } catch (Error& error) {
        if (error.kind() != ErrorKind::Transient) throw;
        throw describe(endpoint_, std::move(error));
    }
}

const EngineInfo& Engine::negotiate() {
    const std::lock_guard lock(mutex_);
    if (info_) return *info_;
    HttpRequest ping;
    ping.url = endpoint_.url().join("_ping");
    ping.unix_socket = endpoint_.unix_socket();
    ping.max_attempts = 2;
    const HttpResponse response = send_raw(client_, ping);
    if (!response.ok()) {
        throw http_error(fmt::format("asking the Docker engine at {} for its version", endpoint_.to_string()), ping,
                         response);
    }
    EngineInfo info;
    info.server = response.header("server");
    info.os_type = response.header("ostype");
    const std::string theirs = response.header("api-version");
    const auto version = parse_version(theirs);
    if (!version) {
        throw Error(ErrorKind::InvalidInput,
                    fmt::format("what answers at {} is no Docker engine", endpoint_.to_string()))
            .with_hint("check DOCKER_HOST and 'docker context ls'");
    }
    if (*version < kOldest) {
        throw Error(ErrorKind::InvalidInput,
                    fmt::format("the Docker engine at {} speaks API {}; envbuild needs {}.{} (Docker 20.10) or later",
                                endpoint_.to_string(), theirs, kOldest.first, kOldest.second))
            .with_hint("upgrade the engine");
    }
    const ApiVersion spoken = std::min(*version, kNewest);
    info.api_version = fmt::format("{}.{}", spoken.first, spoken.second);
    info.buildkit = offers_buildkit(response, info);
    info_ = std::move(info);
    return *info_;
}

HttpRequest Engine::request(std::string_view method, std::string_view path) {
    HttpRequest request;
    request.method = method;
    const std::string prefix = endpoint_.url().path() == "/" ? "" : endpoint_.url().path();
    request.url = value_or_throw(Url::parse(
        fmt::format("{}{}/v{}{}", endpoint_.url().origin().to_string(), prefix, negotiate().api_version, path)));
    request.unix_socket = endpoint_.unix_socket();
    request.max_attempts = 1;
    request.stall_timeout = kPatience;
    return request;
}

HttpRequest Engine::patient_request(std::string_view method, std::string_view path) {
    HttpRequest patient = request(method, path);
    patient.stall_timeout = std::chrono::milliseconds(0);
    return patient;
}

HttpResponse Engine::send(const HttpRequest& request, std::string_view what) {
    HttpResponse response = send_raw(client_, request);
    if (response.ok() || response.status == 304) return response;
    throw http_error(what, request, response);
}

int Engine::forget(std::string_view method, std::string_view path) noexcept {
    try {
        HttpRequest one = request(method, path);
        one.timeout = kCleanupTime;
        return cleaner_.send(one).status;
    } catch (...) {
        // Nothing more can be done, and what led here is being reported already.
        return 0;
    }
}

Json Engine::version() {
    return value_or_throw(
        Json::parse(send(request("GET", "/version"), "asking the Docker engine for its version").body));
}

Json Engine::info() {
    return value_or_throw(Json::parse(send(request("GET", "/info"), "asking the Docker engine about itself").body));
}

}  // namespace envbuild::docker
