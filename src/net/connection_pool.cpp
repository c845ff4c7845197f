#include "net/connection_pool.hpp"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <signal.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <exception>

#include "base/failpoint.hpp"
#include "base/loopback.hpp"
#include "base/strings.hpp"

namespace envbuild::net {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kIdleConnections = 32;
constexpr std::size_t kErrorBodyKept = 256 << 10;
constexpr auto kPollInterval = std::chrono::milliseconds(50);

void initialise_curl() {
    static const CURLcode result = curl_global_init(CURL_GLOBAL_DEFAULT);
    if (result != CURLE_OK) throw Error(ErrorKind::Bug, "libcurl does not start");
}

// A write to a closed TLS connection raises SIGPIPE, which libcurl leaves to the application once CURLOPT_NOSIGNAL is
// set.
class SigpipeBlocked {
  public:
    SigpipeBlocked() {
        sigemptyset(&pipe_);
        sigaddset(&pipe_, SIGPIPE);
        sigset_t pending;
        sigpending(&pending);
        was_pending_ = sigismember(&pending, SIGPIPE) == 1;
        pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
    }
    ~SigpipeBlocked() {
        const timespec now{};
        while (!was_pending_ && sigtimedwait(&pipe_, nullptr, &now) > 0) continue;
        pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    }
    SigpipeBlocked(const SigpipeBlocked&) = delete;
    SigpipeBlocked& operator=(const SigpipeBlocked&) = delete;

  private:
    sigset_t pipe_{}, before_{};
    bool was_pending_ = false;
};

struct HeaderList {
    curl_slist* head = nullptr;

    HeaderList() = default;
    HeaderList(const HeaderList&) = delete;
    HeaderList& operator=(const HeaderList&) = delete;
    ~HeaderList() { curl_slist_free_all(head); }
    void add(const std::string& line) { head = curl_slist_append(head, line.c_str()); }
};

bool is_link_local(const sockaddr* address) {
    if (address->sa_family == AF_INET) {
        const auto host = ntohl(reinterpret_cast<const sockaddr_in*>(address)->sin_addr.s_addr);
        return (host >> 16U) == 0xA9FEU;  // 169.254/16, where clouds keep their metadata services
    }
    if (address->sa_family != AF_INET6) return false;
    const auto& host = reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(&host)) return host.s6_addr[12] == 169 && host.s6_addr[13] == 254;
    return IN6_IS_ADDR_LINKLOCAL(&host);
}

curl_socket_t refuse_link_local(void* refused, curlsocktype, curl_sockaddr* address) {
    if (is_link_local(&address->addr)) {
        *static_cast<bool*>(refused) = true;
        return CURL_SOCKET_BAD;
    }
    return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

double seconds(std::chrono::milliseconds time) {
    return std::chrono::duration<double>(time).count();
}

void describe(CURLcode code, const char* detail, const Wire& wire, Outcome& outcome) {
    const std::string text = redact(*detail != 0 ? detail : curl_easy_strerror(code));
    switch (code) {
        case CURLE_PARTIAL_FILE:
            outcome.failure = "the answer was cut short";
            break;
        case CURLE_GOT_NOTHING:
            outcome.failure = "the server closed the connection without an answer";
            break;
        case CURLE_RECV_ERROR:
        case CURLE_SEND_ERROR:
            outcome.failure = fmt::format("the connection broke ({})", text);
            break;
        case CURLE_COULDNT_RESOLVE_HOST:
            outcome.failure = fmt::format("no address is known for {}", wire.url.host());
            outcome.hint = "check the name, the network, and the proxy settings (https_proxy, no_proxy)";
            break;
        case CURLE_PEER_FAILED_VERIFICATION:
        case CURLE_SSL_CACERT_BADFILE:
            outcome.failure = fmt::format("the server's certificate is not trusted ({})", text);
            outcome.hint = "where the site has its own certificate authority, set SSL_CERT_FILE to its PEM file";
            outcome.permanent = true;
            break;
        case CURLE_UNSUPPORTED_PROTOCOL:
        case CURLE_WEIRD_SERVER_REPLY:
        case CURLE_URL_MALFORMAT:
            outcome.failure = outcome.never_sent ? text : fmt::format("the answer is not HTTP ({})", text);
            outcome.permanent = outcome.never_sent;
            break;
        default:
            outcome.failure = text;
            break;
    }
}

}  // namespace

struct ConnectionPool::Shared {
    CURLSH* handle = curl_share_init();
    std::array<std::mutex, CURL_LOCK_DATA_LAST + 1> mutexes;

    Shared() {
        curl_share_setopt(handle, CURLSHOPT_USERDATA, this);
        curl_share_setopt(handle, CURLSHOPT_LOCKFUNC, &Shared::lock);
        curl_share_setopt(handle, CURLSHOPT_UNLOCKFUNC, &Shared::unlock);
        curl_share_setopt(handle, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS);
        curl_share_setopt(handle, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
    }
    ~Shared() { curl_share_cleanup(handle); }
    Shared(const Shared&) = delete;
    Shared& operator=(const Shared&) = delete;

    static void lock(CURL*, curl_lock_data data, curl_lock_access, void* self) {
        static_cast<Shared*>(self)->mutexes.at(data).lock();
    }
    static void unlock(CURL*, curl_lock_data data, void* self) {
        static_cast<Shared*>(self)->mutexes.at(data).unlock();
    }
};

// An easy handle inside a multi handle of its own: the multi holds the connections, and lets a wait be cut into short
// ones.
struct ConnectionPool::Connection {
    std::string key;
    CURLM* multi = curl_multi_init();
    CURL* easy = curl_easy_init();

    Connection() { curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, 4L); }
    ~Connection() {
        curl_easy_cleanup(easy);
        curl_multi_cleanup(multi);
    }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
};

struct ConnectionPool::Transfer {
    const Wire& wire;
    CURL* easy;
    HttpResponse response;
    std::exception_ptr thrown;
    Clock::time_point moved = Clock::now();
    std::size_t body_sent = 0;
    bool announced = false;
    bool sink_used = false;
    bool link_local = false;
    bool body_ended_early = false;  // an error's body is long: its beginning will do
    std::array<char, CURL_ERROR_SIZE> detail{};

    bool to_sink() const { return response.ok() && wire.request->sink; }

    void announce() {
        if (announced || !response.ok()) return;
        announced = true;
        if (wire.request->on_response) wire.request->on_response(response);
    }

    std::size_t take(std::string_view bytes) {
        announce();
        if (to_sink()) {
            sink_used = true;
            failpoint("net.recv");
            wire.request->sink(bytes);
        } else if (!response.ok()) {
            if (response.body.size() + bytes.size() > kErrorBodyKept) {
                body_ended_early = true;
                return 0;
            }
            response.body.append(bytes);
        } else {
            failpoint("net.recv");
            if (response.body.size() + bytes.size() > wire.request->body_limit) {
                throw Error(ErrorKind::Corrupt,
                            fmt::format("{} {}: the answer is larger than {}", wire.method, wire.shown_url.to_string(),
                                        human_bytes(wire.request->body_limit)));
            }
            response.body.append(bytes);
        }
        return bytes.size();
    }

    static std::size_t on_body(char* data, std::size_t, std::size_t size, void* self_pointer) {
        auto& self = *static_cast<Transfer*>(self_pointer);
        std::size_t taken = 0;
        try {
            taken = self.take({data, size});
        } catch (...) {
            self.thrown = std::current_exception();
        }
        self.moved = Clock::now();
        return taken;
    }

    static std::size_t on_header(char* data, std::size_t, std::size_t size, void* self_pointer) {
        auto& self = *static_cast<Transfer*>(self_pointer);
        self.moved = Clock::now();
        const std::string_view line = trim({data, size});
        if (line.starts_with("HTTP/")) {  // a new answer: what came before was a 1xx or a proxy's
            self.response.headers.clear();
            self.response.status = 0;
            const auto space = line.find(' ');
            if (space != std::string_view::npos)
                std::from_chars(line.data() + space + 1, line.data() + line.size(), self.response.status);
        } else if (const auto colon = line.find(':'); colon != std::string_view::npos) {
            auto& value = self.response.headers[to_lower(line.substr(0, colon))];
            // Several challenges are one list (RFC 9110 section 5.3); of other headers the last value wins.
            const bool joins = !value.empty() && to_lower(line.substr(0, colon)) == "www-authenticate";
            value = joins ? value + ", " + std::string(trim(line.substr(colon + 1))) : trim(line.substr(colon + 1));
        }
        return size;
    }

    static std::size_t on_read(char* buffer, std::size_t, std::size_t size, void* self_pointer) {
        auto& self = *static_cast<Transfer*>(self_pointer);
        try {
            const std::size_t got = self.wire.request->source->read(buffer, size);
            self.body_sent += got;
            self.moved = Clock::now();
            return got;
        } catch (...) {
            self.thrown = std::current_exception();
            return CURL_READFUNC_ABORT;
        }
    }

    static int on_seek(void* self_pointer, curl_off_t offset, int whence) {
        auto& self = *static_cast<Transfer*>(self_pointer);
        if (whence != SEEK_SET || offset != 0) return CURL_SEEKFUNC_CANTSEEK;
        if (self.body_sent == 0) return CURL_SEEKFUNC_OK;
        try {
            if (!self.wire.request->source->rewind()) return CURL_SEEKFUNC_CANTSEEK;
        } catch (...) {
            self.thrown = std::current_exception();
            return CURL_SEEKFUNC_FAIL;
        }
        self.body_sent = 0;
        return CURL_SEEKFUNC_OK;
    }

    void prepare_body(HeaderList& headers) {
        const auto& request = *wire.request;
        if (request.source && wire.with_body) {
            curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
            curl_easy_setopt(easy, CURLOPT_READFUNCTION, &Transfer::on_read);
            curl_easy_setopt(easy, CURLOPT_READDATA, this);
            curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, &Transfer::on_seek);
            curl_easy_setopt(easy, CURLOPT_SEEKDATA, this);
            if (const auto size = request.source->size()) {
                curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(*size));
            } else {
                headers.add("Transfer-Encoding: chunked");
            }
            headers.add("Expect:");  // engines and registries that never answer 100 would cost a second
        } else if (wire.with_body) {
            curl_easy_setopt(easy, CURLOPT_POST, 1L);
            curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
            curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request.body.c_str());
            if (!wire.headers.contains("content-type")) headers.add("Content-Type:");
            headers.add("Expect:");
        } else if (wire.method == "HEAD") {
            curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
        }
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, wire.method.c_str());
    }
};

ConnectionPool::ConnectionPool(const HttpSettings& settings) : settings_(settings) {
    initialise_curl();
    shared_ = std::make_unique<Shared>();
}

ConnectionPool::~ConnectionPool() = default;

std::unique_ptr<ConnectionPool::Connection> ConnectionPool::acquire(const std::string& key) {
    const std::lock_guard lock(mutex_);
    auto found = std::find_if(idle_.rbegin(), idle_.rend(), [&](const auto& one) { return one->key == key; });
    if (found == idle_.rend() && idle_.size() >= kIdleConnections) found = std::prev(idle_.rend());
    if (found == idle_.rend()) {
        auto fresh = std::make_unique<Connection>();
        fresh->key = key;
        return fresh;
    }
    auto connection = std::move(*found);
    idle_.erase(std::prev(found.base()));
    connection->key = key;
    return connection;
}

void ConnectionPool::release(std::unique_ptr<Connection> connection) {
    const std::lock_guard lock(mutex_);
    if (idle_.size() < kIdleConnections) idle_.push_back(std::move(connection));
}

Outcome ConnectionPool::exchange(const Wire& wire, const CancelToken& cancel) {
    const HttpRequest& request = *wire.request;
    cancel.throw_if_cancelled();
    failpoint("net.send");
    const SigpipeBlocked no_sigpipe;
    auto connection = acquire(request.unix_socket + "|" + wire.url.origin().to_string());
    CURL* easy = connection->easy;
    curl_easy_reset(easy);

    Transfer transfer{.wire = wire, .easy = easy, .response = {}, .thrown = {}};
    transfer.response.final_url = wire.shown_url;

    const std::string url = wire.url.without_fragment().to_string();
    curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(easy, CURLOPT_SHARE, shared_->handle);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, settings_.user_agent.c_str());
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 256L << 10);
    curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, 256L << 10);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(settings_.connect_timeout.count()));
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer.detail.data());
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &Transfer::on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &transfer);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &Transfer::on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, &transfer);
    if (!settings_.ca_file.empty()) curl_easy_setopt(easy, CURLOPT_CAINFO, settings_.ca_file.c_str());
    if (!settings_.verify_tls) {
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    if (!request.unix_socket.empty()) {
        curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, request.unix_socket.c_str());
        curl_easy_setopt(easy, CURLOPT_PROXY, "");
    }
    // As in Go: what is on this machine is never asked for through a proxy, whatever no_proxy says.
    if (is_loopback(wire.url.host())) curl_easy_setopt(easy, CURLOPT_PROXY, "");
    if (request.decompress) curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "");
    if (wire.refuse_link_local) {
        curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, &refuse_link_local);
        curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, &transfer.link_local);
    }
    HeaderList headers;
    for (const auto& [name, value] : wire.headers) {
        if (has_control_character(name) || has_control_character(value))
            throw Error(ErrorKind::InvalidInput, fmt::format("the header '{}' holds a control character", name));
        headers.add(value.empty() ? name + ";" : name + ": " + value);
    }
    transfer.prepare_body(headers);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers.head);

    Outcome outcome;
    CURLcode code = CURLE_OK;
    bool done = false, stalled = false;
    curl_multi_add_handle(connection->multi, easy);
    while (!done) {
        int running = 0;
        if (curl_multi_perform(connection->multi, &running) != CURLM_OK) {
            code = CURLE_FAILED_INIT;
            break;
        }
        int left = 0;
        while (const CURLMsg* message = curl_multi_info_read(connection->multi, &left)) {
            if (message->msg != CURLMSG_DONE) continue;
            code = message->data.result;
            done = true;
        }
        if (done || transfer.thrown || cancel.cancelled()) break;
        const auto now = Clock::now();
        outcome.past_deadline = wire.deadline && now >= *wire.deadline;
        stalled = request.stall_timeout.count() > 0 && now - transfer.moved >= request.stall_timeout;
        if (outcome.past_deadline || stalled) break;
        curl_multi_poll(connection->multi, nullptr, 0, static_cast<int>(kPollInterval.count()), nullptr);
    }
    long sent = 0;
    curl_easy_getinfo(easy, CURLINFO_REQUEST_SIZE, &sent);
    curl_multi_remove_handle(connection->multi, easy);
    curl_easy_reset(easy);  // its options point into this frame
    release(std::move(connection));

    if (transfer.thrown) std::rethrow_exception(transfer.thrown);
    if (!done) cancel.throw_if_cancelled();
    outcome.sink_used = transfer.sink_used;
    outcome.never_sent = sent == 0;
    if (outcome.past_deadline) {
        outcome.failure = fmt::format("no whole answer within {} s", seconds(*request.timeout));
    } else if (stalled) {
        outcome.failure = fmt::format("nothing came for {} s", seconds(request.stall_timeout));
    } else if (transfer.link_local) {
        outcome.failure = "the server redirects to a link-local address, which is refused";
        outcome.permanent = true;
    } else if (const bool answered = transfer.body_ended_early ||
                                     // A server that refuses an upload may close before it has read it all.
                                     (wire.with_body && transfer.response.status >= 400 && code != CURLE_READ_ERROR);
               code != CURLE_OK && !answered) {
        describe(code, transfer.detail.data(), wire, outcome);
    } else {
        transfer.announce();
        outcome.response = std::move(transfer.response);
    }
    return outcome;
}

}  // namespace envbuild::net
