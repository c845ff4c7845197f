// A loopback server over TLS that speaks HTTP/2 (nghttp2's session, as in nghttpd) or HTTP/1.1 alone, and misbehaves on
// demand. It counts what came over which connection.
#pragma once

#include <atomic>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/fs.hpp"

namespace envbuild::testing {

struct TlsRequest {
    std::string method, path;
    std::size_t connection = 0;  // counted from 1
};

struct TlsReply {
    enum class Fault : std::uint8_t {
        None,
        Reset,   // of the stream, in place of an answer
        GoAway,  // this request and later ones were not taken up
        Stall,   // after the body
        Close,   // of the connection, in place of an answer
    };
    int status = 200;
    std::string body{};
    std::function<bool()> ready{};  // asked until it says true, then the reply is sent; none: at once
    Fault fault = Fault::None;
};

// Runs from construction to destruction, a thread a connection; the handler may be called by several at a time.
class TlsServer {
  public:
    enum class Speaks : std::uint8_t { Http2, Http1 };
    using Handler = std::function<TlsReply(const TlsRequest&)>;

    TlsServer(Speaks speaks, Handler handler);
    ~TlsServer();
    TlsServer(const TlsServer&) = delete;
    TlsServer& operator=(const TlsServer&) = delete;

    [[nodiscard]] std::string url(std::string_view path) const;
    [[nodiscard]] std::string ca_file() const { return (folder_.path() / "ca.pem").string(); }
    [[nodiscard]] std::vector<TlsRequest> requests() const;
    [[nodiscard]] std::size_t connections() const;  // on which TLS was agreed
    // Streams that the client took back.
    [[nodiscard]] std::size_t taken_back() const { return taken_back_; }

  private:
    struct Tls;  // OpenSSL's context
    class Client;
    class Http2Client;
    class Http1Client;

    void accept_all();
    void serve(int fd);
    TlsReply asked(TlsRequest request);

    Speaks speaks_;
    Handler handler_;
    TempDir folder_{"envbuild-tls"};
    std::unique_ptr<Tls> tls_;
    int listener_ = -1, port_ = 0;
    std::atomic<bool> stopping_ = false;
    std::atomic<std::size_t> taken_back_ = 0;
    mutable std::mutex mutex_;  // of all below
    std::vector<TlsRequest> requests_;
    std::size_t connections_ = 0;
    std::list<std::thread> threads_;
    std::thread acceptor_;
};

}  // namespace envbuild::testing
