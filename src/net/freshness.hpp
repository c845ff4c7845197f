// How long an answer stays good (RFC 9111), for the caches of package indexes.
#pragma once

#include <cstdint>

#include "net/http_client.hpp"

namespace envbuild {

// How long an answer may be used without asking again, by its Cache-Control and Age; 0 where it does not say, a day at
// the most.
[[nodiscard]] std::int64_t freshness_seconds(const HttpResponse& response);

}  // namespace envbuild
