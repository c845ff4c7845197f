// A file on a server, read in pieces (RFC 9110, "Range Requests"). Internal to pypi/.
#pragma once

#include <memory>

#include "base/zip_directory.hpp"
#include "net/http_client.hpp"

namespace envbuild::pypi {

// Asks for the file's end. Null where the server gives no pieces and the whole is larger than a few megabytes: nothing
// more than its headers was read then. Throws Error by status, Transient, Cancelled; read() throws Transient when a
// later piece is not the one that was asked for: that says nothing of the file. `client` outlives what is given back.
[[nodiscard]] std::unique_ptr<RandomBytes> open_remote(HttpClient& client, const Url& url);

}  // namespace envbuild::pypi
