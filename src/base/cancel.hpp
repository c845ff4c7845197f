// Cancellation: Ctrl-C and --timeout reach every loop through a token that is passed down.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>

namespace envbuild {

// A handle on shared state; copies speak of the same cancellation. Thread-safe; cancel() may be called in a signal
// handler.
class CancelToken {
  public:
    CancelToken() : state_(std::make_shared<State>()) {}

    void cancel() const noexcept { state_->cancelled.store(true, std::memory_order_relaxed); }
    // From now on the token counts as cancelled once `deadline` has passed. Set before the token is shared.
    void set_deadline(std::chrono::steady_clock::time_point deadline) const { state_->deadline = deadline; }
    [[nodiscard]] bool cancelled() const noexcept;
    // Error(Cancelled), which says whether it was the user or the deadline.
    void throw_if_cancelled() const;

  private:
    struct State {
        std::atomic<bool> cancelled = false;
        std::optional<std::chrono::steady_clock::time_point> deadline;
    };
    std::shared_ptr<State> state_;
};

}  // namespace envbuild
