// Downloads many files at once into a content-addressed cache.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/digest.hpp"
#include "base/fs.hpp"
#include "base/reporter.hpp"
#include "net/http_client.hpp"

namespace envbuild {

// One file that is wanted.
struct Download {
    std::string name;       // for messages: "numpy-1.19.2-py38h54aff64_0.conda"
    std::vector<Url> urls;  // the same bytes from several mirrors, tried in turn; http, https or file
    Digest sha256;
    std::optional<std::uint64_t> size;
};

struct DownloadSettings {
    std::size_t connections = 8;
    int attempts_per_url = 4;
    std::chrono::milliseconds stall_timeout{30000};
    std::uint64_t largest_unknown = 32ULL << 30;  // of a file whose size nobody said
};

// The cache is `<folder>/<2 hex digits>/<64 hex digits>`: a file gets its name when its bytes were checked, and is
// checked again whenever it is taken, because disks and people change files; a damaged one is replaced. What is under
// way is `<64 hex digits>.partial`,
// locked by flock; it stays after a failure and the next run goes on from its end (Range), checking the whole. Any
// number of threads and processes may use one folder.
class Downloader {
  public:
    // `client` and `reporter` outlive this.
    Downloader(HttpClient& client, fs::path folder, Reporter& reporter, DownloadSettings settings = {});

    // The files, in the order asked; reports bytes under `title`. Throws the first failure: Corrupt where the bytes do
    // not have the hash (naming file, URL, the hash wanted and the hash got), NotFound, Unauthorized, Transient, Io,
    // Cancelled; Corrupt for a Download without sha256, InvalidInput for one without URL. Thread-safe.
    [[nodiscard]] std::vector<fs::path> fetch(const std::vector<Download>& downloads, std::string_view title) const;
    [[nodiscard]] fs::path fetch_one(const Download& download) const;

    // Where the file with this hash is or will be.
    [[nodiscard]] fs::path path_of(const Digest& sha256) const;
    // The file, if it is there already and whole: its bytes are hashed. Cancelled.
    [[nodiscard]] std::optional<fs::path> find(const Digest& sha256, std::optional<std::uint64_t> size = {}) const;

  private:
    HttpClient* client_;
    fs::path folder_;
    Reporter* reporter_;
    DownloadSettings settings_;
};

}  // namespace envbuild
