#include "net/multiplexer.hpp"

#include <signal.h>

#include <algorithm>
#include <chrono>
#include <system_error>

#include "net/connection_pool.hpp"

namespace envbuild::net {

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kLongestPoll = 60000;
// To one host: for what a server does not take on one connection, or while it closes one.
constexpr long kConnections = 4;
// So long a request waits for the first one's answer before it goes alone.
constexpr auto kPatience = std::chrono::seconds(3);

long info(CURL* easy, CURLINFO what) {
    long value = 0;
    curl_easy_getinfo(easy, what, &value);
    return value;
}

}  // namespace

struct Multiplexer::Job {
    CURL* easy;
    Origin& origin;
    bool begun = false;  // its handle is in the multi handle
    bool unwanted = false;
    bool ended = false;
    Result result{};
    std::condition_variable changed{};

    [[nodiscard]] bool is_sent() const { return begun && info(easy, CURLINFO_REQUEST_SIZE) > 0; }
};

Multiplexer::Multiplexer() : multi_(curl_multi_init()) {
    curl_multi_setopt(multi_, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
    curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, static_cast<long>(kIdleConnections));
    curl_multi_setopt(multi_, CURLMOPT_MAX_HOST_CONNECTIONS, kConnections);
}

Multiplexer::~Multiplexer() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
        curl_multi_wakeup(multi_);
    }
    if (thread_.joinable()) thread_.join();
    curl_multi_cleanup(multi_);
}

Multiplexer::Result Multiplexer::run(CURL* easy, const std::string& origin, const std::function<bool(bool)>& stop) {
    // Where a known origin's connection is gone, the first to notice connects and the others wait for that.
    curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
    const auto patience_ends = Clock::now() + kPatience;

    std::unique_lock lock(mutex_);
    Job job{.easy = easy, .origin = origins_[origin]};
    if (job.origin.speaks == Speaks::NotShared) return {.end = Result::End::NotShared};
    curl_easy_setopt(easy, CURLOPT_PRIVATE, &job);
    if (!thread_.joinable()) {
        // Signals are for the threads that were there before.
        sigset_t all, before;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        bool started = true;
        try {
            thread_ = std::thread([this] { loop(); });
        } catch (const std::system_error&) {
            started = false;  // no more threads are to be had
        }
        pthread_sigmask(SIG_SETMASK, &before, nullptr);
        if (!started) return {.end = Result::End::NotShared};
    }
    jobs_.push_back(&job);
    curl_multi_wakeup(multi_);
    while (!job.changed.wait_for(lock, kPollInterval, [&] { return job.ended; })) {
        const bool waiting = !job.begun;
        lock.unlock();
        const bool unwanted = stop(waiting);
        lock.lock();
        if (job.ended) break;
        if (unwanted) {
            job.unwanted = true;
            curl_multi_wakeup(multi_);
            job.changed.wait(lock, [&] { return job.ended; });
        } else if (!job.begun && Clock::now() >= patience_ends) {
            end(job, {.end = Result::End::NotShared});
        }
    }
    return job.result;
}

void Multiplexer::give_up(const std::string& origin) {
    const std::lock_guard lock(mutex_);
    origins_[origin].speaks = Speaks::NotShared;
    curl_multi_wakeup(multi_);
}

void Multiplexer::loop() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
        attend();
        lock.unlock();
        int running = 0;
        const bool works = curl_multi_perform(multi_, &running) == CURLM_OK;
        lock.lock();
        learn();
        collect();
        while (!works && !jobs_.empty()) end(*jobs_.front(), {.end = Result::End::Finished, .code = CURLE_FAILED_INIT});
        lock.unlock();
        curl_multi_poll(multi_, nullptr, 0, kLongestPoll, nullptr);
        lock.lock();
    }
}

bool Multiplexer::may_begin(const Job& job) const {
    if (job.origin.speaks == Speaks::Http2) return true;
    return std::ranges::none_of(jobs_, [&](const Job* other) { return other->begun && &other->origin == &job.origin; });
}

// Does what run() and give_up() asked for since.
void Multiplexer::attend() {
    for (auto next = jobs_.begin(); next != jobs_.end();) {
        Job& job = **next++;
        if (job.unwanted) {
            end(job, {.end = Result::End::Stopped});
        } else if (job.origin.speaks == Speaks::NotShared && !job.is_sent()) {
            end(job, {.end = Result::End::NotShared});
        }
    }
    for (auto next = jobs_.begin(); next != jobs_.end();) {
        Job& job = **next++;
        if (job.begun || !may_begin(job)) continue;
        job.begun = curl_multi_add_handle(multi_, job.easy) == CURLM_OK;
        if (!job.begun) end(job, {.end = Result::End::NotShared});
    }
}

// An answer's first line says what its origin speaks.
void Multiplexer::learn() {
    for (const Job* job : jobs_) {
        if (!job->begun) continue;
        const long version = info(job->easy, CURLINFO_HTTP_VERSION);
        if (version == CURL_HTTP_VERSION_NONE) continue;
        auto& speaks = job->origin.speaks;
        const auto before = speaks;
        if (version != CURL_HTTP_VERSION_2_0) speaks = Speaks::NotShared;
        if (speaks == Speaks::Unknown) speaks = Speaks::Http2;
        if (speaks != before) curl_multi_wakeup(multi_);  // for those that wait
    }
}

void Multiplexer::collect() {
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
        if (message->msg != CURLMSG_DONE) continue;
        CURL* const easy = message->easy_handle;
        const CURLcode code = message->data.result;
        char* data = nullptr;
        curl_easy_getinfo(easy, CURLINFO_PRIVATE, &data);
        auto& job = *reinterpret_cast<Job*>(data);
        const Origin& origin = job.origin;
        const bool no_connection = !job.is_sent() || origin.speaks == Speaks::Unknown;
        end(job, {.end = Result::End::Finished, .code = code});
        // Whoever waits for a connection would otherwise try the same, one after the other.
        if (no_connection) hand_back(origin);
    }
}

// What was not sent yet goes alone.
void Multiplexer::hand_back(const Origin& origin) {
    for (auto next = jobs_.begin(); next != jobs_.end();) {
        Job& job = **next++;
        if (&job.origin == &origin && !job.is_sent()) end(job, {.end = Result::End::NotShared});
    }
}

void Multiplexer::end(Job& job, Result result) {
    if (job.begun) curl_multi_remove_handle(multi_, job.easy);
    std::erase(jobs_, &job);
    job.result = result;
    job.ended = true;
    job.changed.notify_one();
}

}  // namespace envbuild::net
