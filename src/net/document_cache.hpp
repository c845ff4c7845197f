// Documents of package indexes, kept on this machine by URL, and asked for again only where that is needed (RFC 9111,
// RFC 9110 section 13).
//
// For a URL U asked for with the Accept header A, and <key> = the first 40 hex digits of sha256(U "\n" A):
//   <folder>/<2 hex digits>/<key>.body    the document as it came, decoded
//   <folder>/<2 hex digits>/<key>.json    what is known of it: "version" 1, "url", "final_url", "content_type", "etag",
//                                         "last_modified", "max_age" in seconds, "checked_at" in milliseconds since the
//                                         epoch, "sha256" of the body
// Both are written without waiting for the disk: a body that does not have the sha256 counts as absent. No credential
// gets into either.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/url.hpp"
#include "net/http_client.hpp"

namespace envbuild {

struct Document {
    int status = 0;    // 200, or 401, 403, 404, 410: then there is nothing more
    std::string body;  // decoded
    std::string content_type;
    Url final_url;                  // where it came from, after redirects; holds no credential
    bool fresh_from_cache = false;  // the server was not asked
};

// Any number of threads and processes may use one folder.
class DocumentCache {
  public:
    explicit DocumentCache(std::filesystem::path folder) : folder_(std::move(folder)) {}

    struct Options {
        std::string accept;
        bool refresh = false;  // ask even where the copy is still good
        std::uint64_t limit = 64ULL << 20;
    };
    // `url` without user information: the client knows the credentials. Throws Error for other statuses than
    // Document's (Transient for 5xx), where no answer came, and Corrupt for more than `limit` bytes. A copy is never
    // used where the server could not be asked. file: URLs are read and not kept.
    [[nodiscard]] Document get(HttpClient& client, const Url& url, const Options& options) const;
    // Drops the copy: it turned out to be no such document as was looked for.
    void forget(const Url& url, const Options& options) const;

  private:
    std::filesystem::path folder_;
};

}  // namespace envbuild
