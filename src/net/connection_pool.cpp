#include "net/connection_pool.hpp"

#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/failpoint.hpp"
#include "net/multiplexer.hpp"
#include "net/transfer.hpp"

namespace envbuild::net {

namespace {

using Clock = std::chrono::steady_clock;

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

double seconds(std::chrono::milliseconds time) {
    return std::chrono::duration<double>(time).count();
}

// Nothing of the caller's runs while such an answer comes, so nothing keeps the shared connection waiting; and it may
// be asked for again.
bool may_share(const Wire& wire) {
    const HttpRequest& request = *wire.request;
    return wire.url.scheme() == "https" && request.unix_socket.empty() && !wire.with_body && !request.sink &&
           !request.on_response && (wire.method == "GET" || wire.method == "HEAD");
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

// A multi handle for one transfer at a time: it keeps the connections, and lets a wait be cut into short ones.
struct ConnectionPool::Connection {
    std::string key;
    CURLM* multi = curl_multi_init();

    Connection() { curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, 4L); }
    ~Connection() { curl_multi_cleanup(multi); }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
};

ConnectionPool::ConnectionPool(const HttpSettings& settings) : settings_(settings) {
    initialise_curl();
    shared_ = std::make_unique<Shared>();
    multiplexer_ = std::make_unique<Multiplexer>();
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

// Runs the transfer on a connection of its own; nothing where it did not come to its end.
std::optional<CURLcode> ConnectionPool::run_alone(Transfer& transfer, const std::string& key,
                                                  const std::function<bool(bool)>& stop) {
    auto connection = acquire(key);
    std::optional<CURLcode> code;
    curl_multi_add_handle(connection->multi, transfer.handle());
    while (true) {
        int running = 0, left = 0;
        if (curl_multi_perform(connection->multi, &running) != CURLM_OK) code = CURLE_FAILED_INIT;
        while (const CURLMsg* message = curl_multi_info_read(connection->multi, &left)) {
            if (message->msg == CURLMSG_DONE) code = message->data.result;
        }
        if (code || transfer.has_thrown() || stop(false)) break;
        curl_multi_poll(connection->multi, nullptr, 0, static_cast<int>(kPollInterval.count()), nullptr);
    }
    curl_multi_remove_handle(connection->multi, transfer.handle());
    release(std::move(connection));
    return code;
}

Outcome ConnectionPool::exchange(const Wire& wire, const CancelToken& cancel) {
    const HttpRequest& request = *wire.request;
    cancel.throw_if_cancelled();
    failpoint("net.send");
    const SigpipeBlocked no_sigpipe;
    Transfer transfer(wire, settings_, shared_->handle);

    bool past_deadline = false, stalled = false;
    const auto stop = [&](bool waiting) {
        if (waiting) transfer.touch();
        const auto now = Clock::now();
        past_deadline = wire.deadline && now >= *wire.deadline;
        stalled = request.stall_timeout.count() > 0 && now - transfer.moved() >= request.stall_timeout;
        return cancel.cancelled() || past_deadline || stalled;
    };
    const std::string origin = wire.url.origin().to_string();
    std::optional<CURLcode> code;
    bool shared = may_share(wire);
    if (shared) {
        const auto result = multiplexer_->run(transfer.handle(), origin, stop);
        shared = result.end != Multiplexer::Result::End::NotShared;
        if (result.end == Multiplexer::Result::End::Finished) code = result.code;
        // It may be the connection that is dead: the next try has its own.
        if (result.end == Multiplexer::Result::End::Stopped && stalled) multiplexer_->give_up(origin);
    }
    if (!shared) code = run_alone(transfer, request.unix_socket + "|" + origin, stop);

    if (code) return transfer.finished(*code);
    Outcome outcome = transfer.stopped();
    cancel.throw_if_cancelled();
    outcome.past_deadline = past_deadline;
    outcome.failure = past_deadline ? fmt::format("no whole answer within {} s", seconds(*request.timeout))
                                    : fmt::format("nothing came for {} s", seconds(request.stall_timeout));
    return outcome;
}

}  // namespace envbuild::net
