#include "net/freshness.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <system_error>

#include "base/strings.hpp"

namespace envbuild {

std::int64_t freshness_seconds(const HttpResponse& response) {
    const auto number = [](std::string_view text) {
        std::int64_t value = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        // RFC 9111 section 1.2.2: a number that is too large counts as 2^31.
        constexpr std::int64_t kLargest = std::int64_t{1} << 31;
        if (error == std::errc::result_out_of_range) return text.starts_with('-') ? 0 : kLargest;
        return std::clamp<std::int64_t>(value, 0, kLargest);
    };
    std::int64_t seconds = 0;
    const std::string control = to_lower(response.header("cache-control"));
    for (const std::string_view part : split(control, ',')) {
        const std::string_view directive = trim(part);
        if (directive == "no-store" || directive.starts_with("no-cache")) return 0;
        if (directive.starts_with("max-age=")) seconds = number(directive.substr(8));
    }
    return std::clamp<std::int64_t>(seconds - number(response.header("age")), 0, std::int64_t{24} * 3600);
}

void ask_whether_changed(HttpRequest& request, const std::string& etag, const std::string& last_modified) {
    if (!etag.empty()) {
        request.headers["if-none-match"] = etag;
    } else if (!last_modified.empty()) {
        request.headers["if-modified-since"] = last_modified;
    }
}

std::int64_t now_milliseconds() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
        .count();
}

}  // namespace envbuild
