#include "net/retry_policy.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <charconv>
#include <random>
#include <string>
#include <thread>

#include "base/strings.hpp"

namespace envbuild {

using std::chrono::milliseconds;

std::optional<milliseconds> RetryPolicy::delay(int attempt, std::optional<milliseconds> retry_after) const {
    if (retry_after) {
        if (*retry_after > max_retry_after) return std::nullopt;
        return retry_after;
    }
    const auto doublings = std::clamp(attempt - 1, 0, 20);
    const auto full = std::min<std::int64_t>(base_delay.count() << doublings, max_delay.count());
    thread_local std::minstd_rand random{std::random_device{}()};
    return milliseconds(std::uniform_int_distribution<std::int64_t>(full / 2, full)(random));
}

std::optional<milliseconds> parse_retry_after(std::string_view value, std::chrono::system_clock::time_point now) {
    value = trim(value);
    if (value.empty()) return std::nullopt;
    std::int64_t seconds = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), seconds);
    if (error == std::errc{} && end == value.data() + value.size()) {
        if (seconds < 0) return std::nullopt;
        return milliseconds(std::min<std::int64_t>(seconds, 1'000'000'000) * 1000);
    }
    if (value.front() >= '0' && value.front() <= '9') return std::nullopt;
    const time_t when = curl_getdate(std::string(value).c_str(), nullptr);
    if (when < 0) return std::nullopt;
    const auto wait = std::chrono::system_clock::from_time_t(when) - now;
    return std::max(milliseconds(0), std::chrono::ceil<milliseconds>(wait));
}

bool is_transient_status(int status) {
    return status == 408 || status == 425 || status == 429 || status == 500 || (status >= 502 && status <= 504);
}

void sleep_for(milliseconds time, const CancelToken& cancel) {
    const auto end = std::chrono::steady_clock::now() + time;
    while (true) {
        cancel.throw_if_cancelled();
        const auto left = end - std::chrono::steady_clock::now();
        if (left.count() <= 0) return;
        std::this_thread::sleep_for(std::min<std::chrono::nanoseconds>(left, milliseconds(50)));
    }
}

}  // namespace envbuild
