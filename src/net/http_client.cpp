#include "net/http_client.hpp"

#include <fmt/format.h>

#include <charconv>
#include <chrono>

#include "base/strings.hpp"
#include "net/connection_pool.hpp"
#include "net/file_url.hpp"
#include "net/resume.hpp"

namespace envbuild {

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kMaxRedirects = 10;

bool is_redirect(int status) {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

bool has_body(const HttpRequest& request) {
    return request.source || !request.body.empty() || request.method == "POST" || request.method == "PUT" ||
           request.method == "PATCH";
}

// Headers that carry a credential, or what a server may use as one, and so stay with the origin they were meant for.
bool is_bound_to_origin(std::string_view name) {
    return name == "authorization" || name == "cookie" || name == "proxy-authorization" ||
           name.starts_with("x-registry-") || name.starts_with("x-api-");
}

std::string basic_authorization(const UserInfo& user) {
    return "Basic " + base64(user.user + ":" + std::string(user.password.reveal()));
}

std::string authorization(const HttpRequest& request, const CredentialStore& store) {
    if (!request.bearer.empty()) return "Bearer " + std::string(request.bearer.reveal());
    if (request.basic) return basic_authorization(*request.basic);
    if (const auto& user = request.url.user_info()) return basic_authorization(*user);
    const auto found = store.find(request.url);
    if (!found) return "";
    if (!found->bearer.empty()) return "Bearer " + std::string(found->bearer.reveal());
    return found->basic ? basic_authorization(*found->basic) : "";
}

// A query may hold a signature, so messages show the URL without it.
std::string shown(const Url& url) {
    std::string text = redact(url.without_fragment().to_string());
    return text.substr(0, text.find('?'));
}

Error failure(ErrorKind kind, const HttpRequest& request, const net::Outcome& outcome, int attempts) {
    std::string message = fmt::format("{} {}: {}", request.method, shown(request.url), outcome.failure);
    if (attempts > 1) message += fmt::format(" (tried {} times)", attempts);
    Error error(kind, std::move(message));
    return outcome.hint.empty() ? error : std::move(error).with_hint(outcome.hint);
}

struct Sender {
    const HttpSettings& settings;
    const CancelToken& cancel;
    const CredentialStore& credentials;
    net::ConnectionPool& pool;
    const HttpRequest& request;
    std::optional<Clock::time_point> deadline;

    net::Wire first_hop() const {
        net::Wire wire;
        wire.request = &request;
        wire.method = request.method;
        wire.shown_url = request.url.without_user_info();
        wire.url = credentials.wire_url(wire.shown_url);
        for (const auto& [name, value] : request.headers) wire.headers[to_lower(name)] = value;
        if (!wire.headers.contains("authorization")) {
            if (auto value = authorization(request, credentials); !value.empty())
                wire.headers["authorization"] = std::move(value);
        }
        wire.with_body = has_body(request);
        wire.deadline = deadline;
        return wire;
    }

    [[noreturn]] void refuse(ErrorKind kind, std::string_view why) const {
        throw Error(kind, fmt::format("{} {}: {}", request.method, shown(request.url), why));
    }

    // RFC 9110 section 15.4. False where the body cannot be sent a second time.
    bool follow(net::Wire& wire, const HttpResponse& response) const {
        const auto next = wire.url.resolve(response.header("location"));
        if (!next) refuse(ErrorKind::Transient, "the server redirects to something that is no URL");
        const Url target = next->without_user_info();
        if (target.scheme() != "http" && target.scheme() != "https")
            refuse(ErrorKind::Corrupt, fmt::format("the server redirects to {}:, which is refused", target.scheme()));
        if (wire.url.scheme() == "https" && target.scheme() == "http")
            refuse(ErrorKind::Corrupt,
                   fmt::format("the server redirects from https to http (host {}), which is refused", target.host()));
        if (!request.unix_socket.empty() && target.origin() != wire.url.origin())
            refuse(ErrorKind::Corrupt, "the server redirects from its socket to another host, which is refused");
        if (target.origin() != wire.url.origin()) {
            std::erase_if(wire.headers, [](const auto& header) { return is_bound_to_origin(header.first); });
            wire.refuse_link_local = true;
        }
        const bool becomes_get = (response.status == 303 && wire.method != "HEAD") ||
                                 ((response.status == 301 || response.status == 302) && wire.method == "POST");
        if (becomes_get) {
            wire.method = "GET";
            wire.with_body = false;
            for (const auto* name : {"content-type", "content-length", "content-encoding"}) wire.headers.erase(name);
        } else if (wire.with_body && request.source && !request.source->rewind()) {
            return false;
        }
        wire.url = target;
        wire.shown_url = credentials.canonical_url(target);
        return true;
    }

    net::Outcome exchange_following_redirects() const {
        net::Wire wire = first_hop();
        for (int hop = 0;; ++hop) {
            net::Outcome outcome = pool.exchange(wire, cancel);
            if (!outcome.failure.empty() || !request.follow_redirects || !is_redirect(outcome.response.status) ||
                outcome.response.header("location").empty()) {
                return outcome;
            }
            if (hop == kMaxRedirects)
                refuse(ErrorKind::Transient, fmt::format("more than {} redirects; is it a loop?", kMaxRedirects));
            if (!follow(wire, outcome.response)) return outcome;
        }
    }

    bool may_send_again(const net::Outcome& outcome) const {
        if (outcome.permanent || outcome.past_deadline) return false;
        if (outcome.sink_used && !request.restart) return false;
        if (outcome.never_sent) return true;
        const int status = outcome.response.status;
        if (outcome.failure.empty() && !is_transient_status(status)) return false;
        // These say that the request was not taken up.
        if (status == 429 || (status == 503 && outcome.response.headers.contains("retry-after"))) return true;
        return request.idempotent.value_or(request.method != "POST" && request.method != "PATCH");
    }

    HttpResponse send() const {
        for (int attempt = 1;; ++attempt) {
            net::Outcome outcome = exchange_following_redirects();
            const bool answered = outcome.failure.empty();
            if (answered && !is_transient_status(outcome.response.status)) return std::move(outcome.response);

            std::optional<std::chrono::milliseconds> wait;
            if (attempt < request.max_attempts && may_send_again(outcome)) {
                const auto asked = answered ? parse_retry_after(outcome.response.header("retry-after"),
                                                                std::chrono::system_clock::now())
                                            : std::nullopt;
                wait = settings.retry.delay(attempt, asked);
                if (wait && deadline && Clock::now() + *wait >= *deadline) wait.reset();
                if (wait && has_body(request) && request.source && !request.source->rewind()) wait.reset();
            }
            if (!wait) {
                if (answered) return std::move(outcome.response);
                throw failure(ErrorKind::Transient, request, outcome, attempt);
            }
            sleep_for(*wait, cancel);
            if (outcome.sink_used) request.restart();
        }
    }
};

}  // namespace

std::string HttpResponse::header(std::string_view lower_case_name) const {
    const auto found = headers.find(lower_case_name);
    return found == headers.end() ? "" : found->second;
}

std::optional<std::uint64_t> HttpResponse::range_start() const {
    constexpr std::string_view kUnit = "bytes ";
    const std::string text = header("content-range");
    if (!text.starts_with(kUnit)) return std::nullopt;
    std::uint64_t start = 0;
    const char* const last = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data() + kUnit.size(), last, start);
    if (error != std::errc{} || end == last || *end != '-') return std::nullopt;
    return start;
}

HttpSettings HttpSettings::from_env(const ProcessEnv& env) {
    HttpSettings settings;
    for (const auto* name : {"SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"}) {
        if (!settings.ca_file.empty()) break;
        settings.ca_file = env.get_nonempty(name).value_or("");
    }
    return settings;
}

HttpClient::HttpClient(HttpSettings settings, CancelToken cancel, CredentialStore credentials)
    : settings_(std::move(settings)),
      cancel_(std::move(cancel)),
      credentials_(std::move(credentials)),
      pool_(std::make_unique<net::ConnectionPool>(settings_)) {}

HttpClient::~HttpClient() = default;

HttpResponse HttpClient::send(const HttpRequest& request) {
    cancel_.throw_if_cancelled();
    if (request.url.scheme() == "file") return net::answer_from_file(request, cancel_);
    if (request.url.scheme() != "http" && request.url.scheme() != "https") {
        throw Error(ErrorKind::InvalidInput, fmt::format("{}: envbuild speaks http, https and file, not {}",
                                                         shown(request.url), request.url.scheme()));
    }
    std::optional<Clock::time_point> deadline;
    if (request.timeout) deadline = Clock::now() + *request.timeout;
    if (!net::Resume::fits(request)) return Sender{settings_, cancel_, credentials_, *pool_, request, deadline}.send();
    net::Resume resume(request);
    const Sender sender{settings_, cancel_, credentials_, *pool_, resume.request(), deadline};
    try {
        const HttpResponse response = sender.send();
        if (response.status != 416 || !resume.is_under_way()) return resume.answer(response);
        resume.give_up();
    } catch (const net::Resume::OtherPiece&) {
        resume.give_up();
    }
    return sender.send();
}

HttpResponse HttpClient::get(const Url& url, HttpHeaders headers) {
    HttpRequest request;
    request.url = url;
    request.headers = std::move(headers);
    HttpResponse response = send(request);
    if (!response.ok()) throw http_error(fmt::format("GET {}", shown(url)), request, response);
    return response;
}

}  // namespace envbuild
