// How long an answer stays good (RFC 9111), and how to ask whether it still is (RFC 9110 section 13), for the caches of
// package indexes.
#pragma once

#include <cstdint>
#include <string>

#include "net/http_client.hpp"

namespace envbuild {

// How long an answer may be used without asking again, by its Cache-Control and Age; 0 where it does not say, a day at
// the most.
[[nodiscard]] std::int64_t freshness_seconds(const HttpResponse& response);
// Makes the request conditional on what a kept answer said; "" for what it did not say. ETag goes before Last-Modified.
void ask_whether_changed(HttpRequest& request, const std::string& etag, const std::string& last_modified);
// Since the epoch.
[[nodiscard]] std::int64_t now_milliseconds();

}  // namespace envbuild
