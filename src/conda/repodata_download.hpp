// One request for a repodata file. Internal to conda/.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/fs.hpp"
#include "conda/background_sink.hpp"
#include "conda/repodata.hpp"
#include "conda/repodata_scan.hpp"
#include "conda/stream_decoder.hpp"
#include "net/http_client.hpp"

namespace envbuild::conda {

// Takes a body as it comes, decompresses it where it is zstd or bzip2 (by its first bytes: servers and proxies may have
// decoded it already), writes it to a file that has its name only after commit(), and scans it where it is a
// repodata.json. Not thread-safe.
class RepoDataReceiver {
  public:
    // Thrown out of write() when the body starts as an HTML page does.
    struct HtmlPage {};

    // `scanned_as` names the repodata.json in messages; nothing: it is another file.
    RepoDataReceiver(std::filesystem::path destination, std::uint64_t size_limit,
                     std::optional<std::string> scanned_as);
    void restart();
    // Error(Corrupt) where it grows beyond the limit, the compressed data is broken, or it is no repodata.
    void write(std::string_view bytes);
    // The end of the body: Error(Corrupt) where the compressed data or the repodata breaks off.
    void finish();
    // After finish(), once, of a repodata.json: the file, with its index beside it. Error(Io), and Corrupt for a
    // base_url that cannot be used, which leaves no file.
    [[nodiscard]] std::shared_ptr<const RepoData> commit(RepoData::Origin origin);
    [[nodiscard]] AtomicFile& file() { return *file_; }

  private:
    void put(std::string_view bytes);
    void keep(std::string_view bytes);
    void begin();

    std::filesystem::path destination_;
    std::uint64_t size_limit_;
    std::optional<std::string> scanned_as_;
    std::optional<RepoDataScanner> scanner_;
    RepoDataScan scan_;
    std::unique_ptr<AtomicFile> file_;
    std::string start_;  // until four bytes are there
    bool begun_ = false;
    std::unique_ptr<StreamDecoder> decoder_;  // null: as it is
    std::uint64_t size_ = 0;
    std::optional<BackgroundSink> kept_;  // last: what it works on outlives it
};

struct RepoDataAnswer {
    enum class Kind : std::uint8_t { Received, NotModified, Missing, Forbidden, Html, Failed };
    Kind kind = Kind::Missing;
    HttpResponse response;         // of Failed: status 0 where none came whole
    std::optional<Error> failure;  // of Failed, with the URL
};

struct RepoDataConditions {
    std::string etag, last_modified;
};

// GET, tried up to `attempts` times; what comes goes to `receiver`. Every other answer is Failed: another form or
// mirror may do. Thrown are only Error(Cancelled), (Io) and, for 401 and 407, (Unauthorized), with the URL.
[[nodiscard]] RepoDataAnswer request_repodata(HttpClient& http, const Url& url,
                                              const std::optional<RepoDataConditions>& conditions,
                                              RepoDataReceiver& receiver, int attempts);

// Whether what was asked for cannot come from another form or mirror either: Cancelled and Io, this machine's own.
[[nodiscard]] bool ends_the_run(const Error& error);

}  // namespace envbuild::conda
