// A loopback HTTP server on raw sockets that misbehaves on demand: what a test needs to see how a client takes it.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace envbuild::testing {

// One connection of a client, as a handler sees it.
class FaultConnection {
  public:
    explicit FaultConnection(int fd) : fd_(fd) {}

    void send(std::string_view bytes) {
        while (!bytes.empty()) {
            const auto put = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (put <= 0) {
                open_ = false;
                return;
            }
            bytes.remove_prefix(static_cast<std::size_t>(put));
        }
    }
    // One byte at a time, until the client goes away or the server stops.
    void drip(std::string_view bytes, std::chrono::milliseconds pause) {
        for (const char& byte : bytes) {
            if (!open_ || client_left(pause)) break;
            send({&byte, 1});
        }
    }
    // Says nothing more until the client goes away or the server stops.
    void stall() {
        while (!client_left(std::chrono::milliseconds(1000))) continue;
        open_ = false;
    }
    void close() { open_ = false; }
    // The client sees "connection reset by peer".
    void reset() {
        const linger hard{.l_onoff = 1, .l_linger = 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
        open_ = false;
        reset_ = true;
    }
    // True once the client has closed its side; waits up to `time` for it.
    bool client_left(std::chrono::milliseconds time) {
        pollfd waiting{.fd = fd_, .events = POLLIN, .revents = 0};
        if (::poll(&waiting, 1, static_cast<int>(time.count())) <= 0) return false;
        char byte = 0;
        return ::recv(fd_, &byte, 1, MSG_PEEK) <= 0;
    }

    [[nodiscard]] bool open() const { return open_; }
    [[nodiscard]] bool was_reset() const { return reset_; }

  private:
    int fd_;
    bool open_ = true;
    bool reset_ = false;
};

struct FaultRequest {
    std::string method, target, body;
    std::map<std::string, std::string> headers;  // names in lower case
    [[nodiscard]] std::string header(const std::string& name) const {
        const auto found = headers.find(name);
        return found == headers.end() ? "" : found->second;
    }
};

using FaultHandler = std::function<void(const FaultRequest&, FaultConnection&)>;

// Listens from construction to destruction, a thread a connection; handlers may run at the same time.
class FaultServer {
  public:
    explicit FaultServer(FaultHandler handler) : handler_(std::move(handler)) {
        listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        start(reinterpret_cast<sockaddr*>(&address), sizeof address);
        socklen_t size = sizeof address;
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
        port_ = ntohs(address.sin_port);
    }
    FaultServer(const std::string& unix_socket, FaultHandler handler) : handler_(std::move(handler)) {
        listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        unix_socket.copy(address.sun_path, sizeof address.sun_path - 1);
        start(reinterpret_cast<sockaddr*>(&address), sizeof address);
    }
    ~FaultServer() {
        stopping_ = true;
        ::shutdown(listener_, SHUT_RDWR);
        acceptor_.join();
        {
            const std::lock_guard lock(mutex_);
            for (auto& client : clients_) {
                if (client.fd >= 0) ::shutdown(client.fd, SHUT_RDWR);
            }
        }
        for (auto& client : clients_) client.thread.join();
        ::close(listener_);
    }
    FaultServer(const FaultServer&) = delete;
    FaultServer& operator=(const FaultServer&) = delete;

    [[nodiscard]] int port() const { return port_; }
    [[nodiscard]] std::string url(std::string_view path = "/", std::string_view host = "127.0.0.1") const {
        return "http://" + std::string(host) + ":" + std::to_string(port_) + std::string(path);
    }
    // What came so far, in order.
    [[nodiscard]] std::vector<FaultRequest> requests() const {
        const std::lock_guard lock(mutex_);
        return requests_;
    }
    [[nodiscard]] std::size_t connections() const {
        const std::lock_guard lock(mutex_);
        return clients_.size();
    }

  private:
    struct Client {
        int fd = -1;
        std::thread thread;
    };

    void start(sockaddr* address, socklen_t size) {
        if (listener_ < 0 || ::bind(listener_, address, size) != 0 || ::listen(listener_, 64) != 0)
            throw std::runtime_error(std::string("the fault server cannot listen: ") + std::strerror(errno));
        acceptor_ = std::thread([this] { accept_all(); });
    }

    void accept_all() {
        while (!stopping_) {
            const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
            if (fd < 0) {
                if (errno == EINTR || errno == ECONNABORTED) continue;
                return;
            }
            const std::lock_guard lock(mutex_);
            auto& client = clients_.emplace_back();
            client.fd = fd;
            client.thread = std::thread([this, &client, fd] {
                serve(fd);
                const std::lock_guard closing(mutex_);
                ::close(fd);
                client.fd = -1;
            });
        }
    }

    void serve(int fd) {
        std::string buffer;
        FaultConnection connection(fd);
        while (connection.open() && !stopping_) {
            FaultRequest request;
            if (!read_request(fd, buffer, request)) return;
            {
                const std::lock_guard lock(mutex_);
                requests_.push_back(request);
            }
            handler_(request, connection);
        }
    }

    static bool more(int fd, std::string& buffer) {
        char bytes[65536];
        const auto got = ::recv(fd, bytes, sizeof bytes, 0);
        if (got <= 0) return false;
        buffer.append(bytes, static_cast<std::size_t>(got));
        return true;
    }
    static bool take_line(int fd, std::string& buffer, std::string& line) {
        std::size_t end = 0;
        while ((end = buffer.find("\r\n")) == std::string::npos) {
            if (!more(fd, buffer)) return false;
        }
        line = buffer.substr(0, end);
        buffer.erase(0, end + 2);
        return true;
    }
    static bool take_bytes(int fd, std::string& buffer, std::size_t size, std::string& out) {
        while (buffer.size() < size) {
            if (!more(fd, buffer)) return false;
        }
        out.append(buffer, 0, size);
        buffer.erase(0, size);
        return true;
    }
    static bool read_request(int fd, std::string& buffer, FaultRequest& request) {
        std::string line;
        if (!take_line(fd, buffer, line)) return false;
        request.method = line.substr(0, line.find(' '));
        const auto target = line.find(' ') + 1;
        request.target = line.substr(target, line.rfind(' ') - target);
        while (take_line(fd, buffer, line) && !line.empty()) {
            const auto colon = line.find(':');
            std::string name = line.substr(0, colon);
            std::transform(name.begin(), name.end(), name.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
            const auto value = line.find_first_not_of(' ', colon + 1);
            request.headers[name] = value == std::string::npos ? "" : line.substr(value);
        }
        if (request.header("transfer-encoding") == "chunked") {
            while (true) {
                if (!take_line(fd, buffer, line)) return false;
                const auto size = std::strtoul(line.c_str(), nullptr, 16);
                if (!take_bytes(fd, buffer, size, request.body) || !take_line(fd, buffer, line)) return false;
                if (size == 0) return true;
            }
        }
        const auto length = request.header("content-length");
        return length.empty() || take_bytes(fd, buffer, std::strtoul(length.c_str(), nullptr, 10), request.body);
    }

    FaultHandler handler_;
    int listener_ = -1;
    int port_ = 0;
    std::atomic<bool> stopping_ = false;
    std::thread acceptor_;
    mutable std::mutex mutex_;
    std::list<Client> clients_;
    std::vector<FaultRequest> requests_;
};

// The faults, each a handler. A body is announced with its Content-Length unless the name says otherwise.
namespace fault {

inline std::string head(int status, std::size_t length, const std::string& more_headers = "") {
    return "HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Length: " + std::to_string(length) + "\r\n" +
           more_headers + "\r\n";
}
// A good answer; `more_headers` are lines that end in \r\n.
inline FaultHandler respond(int status, std::string body = "", std::string more_headers = "") {
    return [=](const FaultRequest& request, FaultConnection& connection) {
        connection.send(head(status, body.size(), more_headers));
        if (request.method != "HEAD") connection.send(body);
    };
}
inline FaultHandler redirect(int status, std::string location) {
    return respond(status, "moved", "Location: " + location + "\r\n");
}
inline FaultHandler close_at_once() {
    return [](const FaultRequest&, FaultConnection& connection) { connection.close(); };
}
inline FaultHandler reset_after(std::string body, std::size_t bytes) {
    return [=](const FaultRequest&, FaultConnection& connection) {
        connection.send(head(200, body.size()) + body.substr(0, bytes));
        // A reset overtakes what was sent; the client must have had the time to read it.
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        connection.reset();
    };
}
inline FaultHandler reset_at_once() {
    return [](const FaultRequest&, FaultConnection& connection) { connection.reset(); };
}
inline FaultHandler stall_after(std::string body, std::size_t bytes) {
    return [=](const FaultRequest&, FaultConnection& connection) {
        connection.send(head(200, body.size()) + body.substr(0, bytes));
        connection.stall();
    };
}
inline FaultHandler stall_at_once() {
    return [](const FaultRequest&, FaultConnection& connection) { connection.stall(); };
}
inline FaultHandler drip(std::string body, std::chrono::milliseconds pause) {
    return [=](const FaultRequest&, FaultConnection& connection) {
        connection.send(head(200, body.size()));
        connection.drip(body, pause);
    };
}
inline FaultHandler cut_short(std::string body, std::size_t bytes) {
    return [=](const FaultRequest&, FaultConnection& connection) {
        connection.send(head(200, body.size()) + body.substr(0, bytes));
        connection.close();
    };
}
// Ends by closing, as HTTP/1.0 did: the client cannot know that bytes are missing.
inline FaultHandler cut_short_without_length(std::string body, std::size_t bytes) {
    return [=](const FaultRequest&, FaultConnection& connection) {
        connection.send("HTTP/1.1 200 X\r\nConnection: close\r\n\r\n" + body.substr(0, bytes));
        connection.close();
    };
}
inline FaultHandler chunked_cut_short(std::string body) {
    return [=](const FaultRequest&, FaultConnection& connection) {
        connection.send("HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n" + body);
        connection.close();
    };
}
inline FaultHandler longer_than_announced(std::string body, std::size_t announced) {
    return [=](const FaultRequest&, FaultConnection& connection) {
        connection.send(head(200, announced) + body);
        connection.close();
    };
}
inline FaultHandler garbage() {
    return [](const FaultRequest&, FaultConnection& connection) {
        connection.send("\x16\x03\x01 this is no HTTP at all\r\n\r\n");
        connection.close();
    };
}
inline FaultHandler html_page() {
    return respond(200, "<!DOCTYPE html><html><body>Please log in</body></html>", "Content-Type: text/html\r\n");
}
inline std::string with_bit_flipped(std::string body, std::size_t at) {
    body.at(at) = static_cast<char>(body[at] ^ 1);
    return body;
}

// The first request gets the first handler, and so on; the last one serves all that follow.
inline FaultHandler in_turn(std::vector<FaultHandler> handlers) {
    auto next = std::make_shared<std::atomic<std::size_t>>(0);
    return [handlers = std::move(handlers), next](const FaultRequest& request, FaultConnection& connection) {
        handlers.at(std::min(next->fetch_add(1), handlers.size() - 1))(request, connection);
    };
}

// A port of 127.0.0.1 where nobody listens.
inline int unused_port() {
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ::bind(fd, reinterpret_cast<sockaddr*>(&address), size);
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
    ::close(fd);
    return ntohs(address.sin_port);
}

}  // namespace fault

}  // namespace envbuild::testing
