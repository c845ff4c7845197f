#include "conda/background_sink.hpp"

#include <algorithm>
#include <system_error>
#include <utility>

namespace envbuild::conda {

BackgroundSink::~BackgroundSink() {
    const std::lock_guard lock(mutex_);
    dropped_ = ended_ = true;
    changed_.notify_all();
}

void BackgroundSink::write(std::string_view bytes) {
    while (!bytes.empty()) {
        filling_.reserve(kPiece);
        const auto taken = std::min(kPiece - filling_.size(), bytes.size());
        filling_ += bytes.substr(0, taken);
        bytes.remove_prefix(taken);
        if (filling_.size() == kPiece) hand_over();
    }
}

void BackgroundSink::hand_over() {
    std::unique_lock lock(mutex_);
    if (!worker_.joinable()) {
        try {
            worker_ = std::jthread([this] { work(); });
        } catch (const std::system_error&) {
            // A machine that gives no thread is slower, and no reason to fail.
            lock.unlock();
            sink_(filling_);
            filling_.clear();
            return;
        }
    }
    changed_.wait(lock, [&] { return waiting_.size() < kWaiting || failure_; });
    if (failure_) std::rethrow_exception(failure_);
    waiting_.push_back(std::exchange(filling_, {}));
    if (!spare_.empty()) {
        filling_ = std::move(spare_.back());
        filling_.clear();
        spare_.pop_back();
    }
    changed_.notify_all();
}

void BackgroundSink::finish() {
    if (!worker_.joinable()) return sink_(std::exchange(filling_, {}));
    if (!filling_.empty()) hand_over();
    std::unique_lock lock(mutex_);
    ended_ = true;
    changed_.notify_all();
    changed_.wait(lock, [&] { return done_; });
    if (failure_) std::rethrow_exception(failure_);
}

void BackgroundSink::work() {
    std::unique_lock lock(mutex_);
    while (true) {
        changed_.wait(lock, [&] { return ended_ || !waiting_.empty(); });
        if (dropped_ || waiting_.empty()) break;
        auto piece = std::move(waiting_.front());
        waiting_.pop_front();
        changed_.notify_all();
        lock.unlock();
        try {
            sink_(piece);
        } catch (...) {
            lock.lock();
            failure_ = std::current_exception();
            break;
        }
        lock.lock();
        spare_.push_back(std::move(piece));
    }
    done_ = true;
    changed_.notify_all();
}

}  // namespace envbuild::conda
