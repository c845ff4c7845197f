#include "net/retry_policy.hpp"

#include <catch2/catch.hpp>

#include "base/error.hpp"

using namespace envbuild;
using namespace std::chrono_literals;

TEST_CASE("Waits double up to the cap and are spread over their upper half") {
    const RetryPolicy policy{.base_delay = 100ms, .max_delay = 1000ms};
    for (int round = 0; round < 50; ++round) {
        for (const auto& [attempt, full] : {std::pair(1, 100ms), {2, 200ms}, {3, 400ms}, {5, 1000ms}, {60, 1000ms}}) {
            const auto wait = policy.delay(attempt, {});
            REQUIRE(wait);
            CHECK(*wait >= full / 2);
            CHECK(*wait <= full);
        }
    }
}

TEST_CASE("Retry-After is obeyed up to a limit") {
    const RetryPolicy policy{.max_retry_after = 60s};
    CHECK(policy.delay(1, 7s) == 7s);
    CHECK(policy.delay(9, 0s) == 0s);
    CHECK(policy.delay(1, 60s) == 60s);
    CHECK_FALSE(policy.delay(1, 61s));
}

TEST_CASE("Retry-After is seconds or a date") {
    const auto now = std::chrono::system_clock::from_time_t(784111777);  // Sun, 06 Nov 1994 08:49:37 GMT
    CHECK(parse_retry_after("120", now) == 120s);
    CHECK(parse_retry_after(" 0 ", now) == 0s);
    CHECK(parse_retry_after("Sun, 06 Nov 1994 08:49:47 GMT", now) == 10s);
    CHECK(parse_retry_after("Sun, 06 Nov 1994 08:00:00 GMT", now) == 0s);
    CHECK(parse_retry_after("99999999999999999999", now) == std::nullopt);
    CHECK(parse_retry_after("1.5", now) == std::nullopt);
    CHECK(parse_retry_after("-3", now) == std::nullopt);
    CHECK(parse_retry_after("soon", now) == std::nullopt);
    CHECK(parse_retry_after("", now) == std::nullopt);
}

TEST_CASE("Statuses that may pass") {
    for (const int status : {408, 425, 429, 500, 502, 503, 504}) CHECK(is_transient_status(status));
    for (const int status : {200, 301, 400, 401, 403, 404, 416, 501, 505}) CHECK_FALSE(is_transient_status(status));
}

TEST_CASE("A wait ends when it is cancelled") {
    const CancelToken cancel;
    cancel.cancel();
    CHECK_THROWS_AS(sleep_for(1h, cancel), Error);
    CHECK_NOTHROW(sleep_for(1ms, CancelToken()));
}
