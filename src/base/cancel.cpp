#include "base/cancel.hpp"

#include "base/error.hpp"

namespace envbuild {

bool CancelToken::cancelled() const noexcept {
    return state_->cancelled.load(std::memory_order_relaxed) ||
           (state_->deadline && std::chrono::steady_clock::now() >= *state_->deadline);
}

void CancelToken::throw_if_cancelled() const {
    if (state_->cancelled.load(std::memory_order_relaxed)) throw Error(ErrorKind::Cancelled, "cancelled");
    if (cancelled()) throw Error(ErrorKind::Cancelled, "the time given by --timeout has passed");
}

}  // namespace envbuild
