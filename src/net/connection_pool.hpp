// Internal to net/: one request and its answer over libcurl, on pooled connections. No retries, no redirects.
#pragma once

#include <curl/curl.h>

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "net/http_client.hpp"

namespace envbuild::net {

// How often it is looked at whether a transfer is to stop.
inline constexpr std::chrono::milliseconds kPollInterval{50};
inline constexpr std::size_t kIdleConnections = 32;

// What goes on the wire in one attempt.
struct Wire {
    const HttpRequest* request = nullptr;  // for its body, sink, limits and timeouts
    std::string method;
    Url url;        // with conda token, where there is one
    Url shown_url;  // what the answer's final_url says
    HttpHeaders headers;
    bool with_body = false;
    bool refuse_link_local = false;  // the host was named by a server, not by the user
    std::optional<std::chrono::steady_clock::time_point> deadline;
};

struct Outcome {
    HttpResponse response;  // valid where `failure` is empty
    std::string failure;    // why there is no (whole) answer, in words
    std::string hint;
    bool never_sent = false;  // the request did not leave: safe to send again whatever its method
    bool permanent = false;   // trying again will not help
    bool past_deadline = false;
    bool sink_used = false;
};

class Multiplexer;
class Transfer;

// Thread-safe. What is asked of an https origin that speaks HTTP/2 shares one connection, where the answer is kept in
// memory and so is taken as fast as it comes. All else has a connection for itself; idle ones are kept per origin. DNS
// answers and TLS sessions are shared by all.
class ConnectionPool {
  public:
    explicit ConnectionPool(const HttpSettings& settings);
    ~ConnectionPool();

    // Throws what the sink, on_response or the body source threw, Error(Cancelled), and Error(Corrupt) past the body
    // limit.
    [[nodiscard]] Outcome exchange(const Wire& wire, const CancelToken& cancel);

  private:
    struct Connection;
    struct Shared;

    std::unique_ptr<Connection> acquire(const std::string& key);
    void release(std::unique_ptr<Connection> connection);
    std::optional<CURLcode> run_alone(Transfer& transfer, const std::string& key,
                                      const std::function<bool(bool)>& stop);

    HttpSettings settings_;
    std::unique_ptr<Shared> shared_;
    std::unique_ptr<Multiplexer> multiplexer_;
    std::mutex mutex_;
    std::vector<std::unique_ptr<Connection>> idle_;
};

}  // namespace envbuild::net
