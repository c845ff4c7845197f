// Internal to net/: file: URLs answered as if a server had them.
#pragma once

#include "net/http_client.hpp"

namespace envbuild::net {

// 200 with the bytes, 403 or 404, for GET and HEAD; 405 for other methods. Throws Error(Io) when reading fails,
// Cancelled, and what the sink throws.
[[nodiscard]] HttpResponse answer_from_file(const HttpRequest& request, const CancelToken& cancel);

}  // namespace envbuild::net
