// HTTP/1.1 and HTTP/2 over libcurl, TCP and unix sockets. The only door to the network; retries, deadlines, credentials
// and redirects follow one policy here.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/cancel.hpp"
#include "base/process_env.hpp"
#include "base/url.hpp"
#include "net/credential.hpp"
#include "net/retry_policy.hpp"

namespace envbuild {

namespace net {
class ConnectionPool;
}

// Header names are compared in lower case; the last value wins.
using HttpHeaders = std::map<std::string, std::string, std::less<>>;

// Where a request body comes from. read() fills up to `size` bytes and returns 0 at the end.
class BodySource {
  public:
    virtual ~BodySource() = default;
    virtual std::size_t read(char* buffer, std::size_t size) = 0;
    [[nodiscard]] virtual std::optional<std::uint64_t> size() const { return std::nullopt; }  // nothing: sent chunked
    // Back to the first byte so that a failed request can be sent again; false where that cannot be.
    virtual bool rewind() { return false; }
};

struct HttpResponse {
    int status = 0;
    HttpHeaders headers;
    std::string body;
    Url final_url;                                                             // after redirects; holds no credential
    [[nodiscard]] std::string header(std::string_view lower_case_name) const;  // "" where absent
    // The first byte that a 206 holds ("content-range: bytes 100-199/200"); nothing where it does not say.
    [[nodiscard]] std::optional<std::uint64_t> range_start() const;
    [[nodiscard]] bool ok() const { return status >= 200 && status < 300; }
};

struct HttpRequest {
    std::string method = "GET";
    Url url;
    HttpHeaders headers;
    std::string body;                    // used where `source` is null
    std::shared_ptr<BodySource> source;  // a streamed body
    std::string unix_socket;             // path; the URL's host is then only a name
    // What the server sends of a 2xx body goes here as it comes, instead of into HttpResponse::body. Called on the
    // calling thread. May throw: the transfer ends and the exception comes out of send(), which is also how a caller
    // stops a stream that has no end. When an attempt fails after the sink was called, a retry goes on behind the last
    // byte (a GET whose answer had a strong ETag) or calls `restart` first; without `restart` the failure is thrown.
    std::function<void(std::string_view)> sink;
    std::function<void()> restart;
    // Called with status, headers and final URL before the first byte of a 2xx answer goes to `sink`. May throw.
    std::function<void(const HttpResponse&)> on_response;
    std::uint64_t body_limit = 64ULL << 20;            // of HttpResponse::body; Corrupt when exceeded
    std::optional<std::chrono::milliseconds> timeout;  // of the whole call with its retries; none: only stalls end it
    std::chrono::milliseconds stall_timeout{30000};    // Transient when no byte moves for so long; zero: never
    int max_attempts = 4;                              // 1: no retry
    std::optional<bool> idempotent;                    // may be sent twice; none: by method (all but POST and PATCH)
    bool decompress = false;                           // offer gzip, deflate and what else libcurl has; decode the body
    bool follow_redirects = true;
    // The credential for the URL's origin alone, dropped on a redirect to another origin. What is sent: an
    // "authorization" header given above, else `bearer`, else `basic`, else the URL's user information, else what the
    // CredentialStore has.
    std::optional<UserInfo> basic;
    Secret bearer;
};

struct HttpSettings {
    std::string user_agent = "envbuild/0.1";
    std::string ca_file;  // SSL_CERT_FILE / REQUESTS_CA_BUNDLE / CURL_CA_BUNDLE / config; "": the system's
    bool verify_tls = true;
    std::chrono::milliseconds connect_timeout{10000};
    RetryPolicy retry;
    [[nodiscard]] static HttpSettings from_env(
        const ProcessEnv& env);  // proxies are read by libcurl (https_proxy, no_proxy)
};

// Thread-safe: keeps a pool of connections; each thread's send() is its own transfer. Over HTTP/2, answers without sink
// and on_response share a connection.
class HttpClient {
  public:
    HttpClient(HttpSettings settings, CancelToken cancel, CredentialStore credentials = {});
    ~HttpClient();
    HttpClient(const HttpClient&) = delete;
    HttpClient& operator=(const HttpClient&) = delete;

    // The server's final answer, whatever its status. Retries what is transient (connection failures, 408, 429, 5xx,
    // short bodies; honours Retry-After up to 60 s) for idempotent methods and rewindable bodies. Throws Error:
    // Transient where no answer came, Cancelled, Corrupt. A message names the host, what was asked and what came; never
    // a credential.
    [[nodiscard]] HttpResponse send(const HttpRequest& request);
    // The answer of a GET, or Error by status: 401/403 Unauthorized, 404/410 NotFound, 408/429/5xx Transient, others
    // InvalidInput.
    [[nodiscard]] HttpResponse get(const Url& url, HttpHeaders headers = {});

    [[nodiscard]] const CancelToken& cancel() const { return cancel_; }
    [[nodiscard]] const HttpSettings& settings() const { return settings_; }
    // Shared with whoever holds a copy: what is added later counts for later requests.
    [[nodiscard]] const CredentialStore& credentials() const { return credentials_; }

  private:
    HttpSettings settings_;
    CancelToken cancel_;
    CredentialStore credentials_;
    std::unique_ptr<net::ConnectionPool> pool_;
};

// Error for an answer that is not 2xx: kind by status, message "<what>: <host> answered <status> <reason>", with the
// body's first line where it helps (never an HTML page).
[[nodiscard]] Error http_error(std::string_view what, const HttpRequest& request, const HttpResponse& response);

}  // namespace envbuild
