// One request for a repodata file. Internal to conda/.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/fs.hpp"
#include "conda/stream_decoder.hpp"
#include "net/http_client.hpp"

namespace envbuild::conda {

// Takes a body as it comes, decompresses it where it is zstd or bzip2 (by its first bytes: servers and proxies may have
// decoded it already) and writes it to a file that has its name only after commit(). Not thread-safe.
class RepoDataReceiver {
  public:
    // Thrown out of write() when the body starts as an HTML page does.
    struct HtmlPage {};

    RepoDataReceiver(std::filesystem::path destination, std::uint64_t size_limit);
    void restart();
    // Error(Corrupt) where it grows beyond the limit or the compressed data is broken.
    void write(std::string_view bytes);
    // The end of the body: Error(Corrupt) where the compressed data breaks off.
    void finish();
    [[nodiscard]] AtomicFile& file() { return *file_; }

  private:
    void put(std::string_view bytes);
    void begin();

    std::filesystem::path destination_;
    std::uint64_t size_limit_;
    std::unique_ptr<AtomicFile> file_;
    std::string start_;  // until four bytes are there
    bool begun_ = false;
    std::unique_ptr<StreamDecoder> decoder_;  // null: as it is
};

struct RepoDataAnswer {
    enum class Kind : std::uint8_t { Received, NotModified, Missing, Forbidden, Html };
    Kind kind = Kind::Missing;
    HttpResponse response;
};

struct RepoDataConditions {
    std::string etag, last_modified;
};

// GET; what comes goes to `receiver`. Throws Error for every other answer, with the URL.
[[nodiscard]] RepoDataAnswer request_repodata(HttpClient& http, const Url& url,
                                              const std::optional<RepoDataConditions>& conditions,
                                              RepoDataReceiver& receiver);

}  // namespace envbuild::conda
