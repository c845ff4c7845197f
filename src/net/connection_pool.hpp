// Internal to net/: one request and its answer over libcurl, on pooled connections. No retries, no redirects.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "net/http_client.hpp"

namespace envbuild::net {

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

// Thread-safe. A connection is used by one thread at a time; idle ones are kept per origin. DNS answers and TLS
// sessions are shared by all.
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
    struct Transfer;

    std::unique_ptr<Connection> acquire(const std::string& key);
    void release(std::unique_ptr<Connection> connection);

    HttpSettings settings_;
    std::unique_ptr<Shared> shared_;
    std::mutex mutex_;
    std::vector<std::unique_ptr<Connection>> idle_;
};

}  // namespace envbuild::net
