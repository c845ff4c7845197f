// When to try again, and how long to wait before.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "base/cancel.hpp"

namespace envbuild {

// A value. Waits grow twofold from `base_delay` to `max_delay`, each drawn at random from its upper half so that many
// clients do not come back at the same moment.
struct RetryPolicy {
    std::chrono::milliseconds base_delay{400};
    std::chrono::milliseconds max_delay{10000};
    std::chrono::milliseconds max_retry_after{60000};  // a server that asks for more is not asked again

    // The wait before attempt number `attempt` + 1 (attempts count from 1); a Retry-After is taken as it is.
    // Nothing when the server asked for longer than max_retry_after.
    [[nodiscard]] std::optional<std::chrono::milliseconds> delay(
        int attempt, std::optional<std::chrono::milliseconds> retry_after) const;
};

// RFC 9110 section 10.2.3: seconds or an HTTP date, relative to `now`. Nothing for anything else; a past date is zero.
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_retry_after(std::string_view value,
                                                                         std::chrono::system_clock::time_point now);
// 408, 425, 429, 500, 502, 503 and 504: statuses that may pass by themselves.
[[nodiscard]] bool is_transient_status(int status);
// Waits, in small steps; throws Error(Cancelled) when the token fires.
void sleep_for(std::chrono::milliseconds time, const CancelToken& cancel);

}  // namespace envbuild
