#include "net/downloader.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/parallel.hpp"
#include "base/strings.hpp"
#include "net/partial_file.hpp"

namespace envbuild {

namespace {

// The hash of a file's bytes; nothing where it cannot be read.
std::optional<Digest> sha256_of_file(const fs::path& path, const CancelToken& cancel) {
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) return std::nullopt;
    Sha256 hash;
    std::vector<char> buffer(1 << 20);
    while (true) {
        cancel.throw_if_cancelled();
        const ssize_t got = ::read(fd.get(), buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return std::nullopt;
        if (got == 0) return hash.finish();
        hash.update(std::string_view(buffer.data(), static_cast<std::size_t>(got)));
    }
}

class Fetch {
  public:
    Fetch(HttpClient& client, const Download& download, const DownloadSettings& settings, Progress& progress,
          Reporter& reporter, net::PartialFile& file)
        : client_(client),
          download_(download),
          settings_(settings),
          progress_(progress),
          reporter_(reporter),
          file_(file) {}

    // Tries each URL in turn; returns when the file holds the right bytes.
    void run() {
        report(file_.size());
        // A run that was killed before its rename.
        if (download_.size && file_.size() == *download_.size) {
            if (file_.digest() == download_.sha256) return file_.commit();
            start_over();
        }
        std::optional<Error> worst;
        for (const Url& url : download_.urls) {
            try {
                return from(url);
            } catch (Error& error) {
                const bool next_may_help = error.kind() == ErrorKind::Transient || error.kind() == ErrorKind::Corrupt ||
                                           error.kind() == ErrorKind::NotFound ||
                                           error.kind() == ErrorKind::Unauthorized ||
                                           error.kind() == ErrorKind::InvalidInput;
                if (!next_may_help) throw;
                if (&url != &download_.urls.back())
                    reporter_.warn(fmt::format("{}; trying the next mirror", error.message()));
                // Wrong bytes are the gravest news; else the last mirror's answer counts.
                if (!worst || worst->kind() != ErrorKind::Corrupt) worst = std::move(error);
            }
        }
        if (download_.urls.size() > 1)
            worst->add_context(fmt::format("downloading {} from {} mirrors", download_.name, download_.urls.size()));
        throw std::move(*worst);
    }

  private:
    void from(const Url& url) {
        for (int attempt = 1;; ++attempt) {
            std::optional<std::chrono::milliseconds> asked;
            try {
                const HttpResponse response = request(url);
                if (response.ok()) return check(url, response);
                if (response.status == 416) {
                    start_over();
                } else if (is_transient_status(response.status)) {
                    asked = parse_retry_after(response.header("retry-after"), std::chrono::system_clock::now());
                }
                if (attempt >= settings_.attempts_per_url ||
                    (response.status != 416 && !is_transient_status(response.status))) {
                    throw http_error(download_.name, last_, response);
                }
            } catch (const Error& error) {
                if (attempt >= settings_.attempts_per_url) throw;
                // Wrong bytes may come of a bad cache on the way or of an old partial file: one more try, from zero.
                if (error.kind() == ErrorKind::Corrupt && !fresh_) {
                    fresh_ = true;
                } else if (error.kind() != ErrorKind::Transient || answered_for_good_) {
                    throw;
                }
            }
            const auto wait = client_.settings().retry.delay(attempt, asked);
            if (!wait)
                throw Error(ErrorKind::Transient,
                            fmt::format("{}: {} asks to come back in more than {} s", download_.name, url.host(),
                                        client_.settings().retry.max_retry_after.count() / 1000));
            sleep_for(*wait, client_.cancel());
        }
    }

    HttpResponse request(const Url& url) {
        HttpRequest request;
        request.url = url;
        request.stall_timeout = settings_.stall_timeout;
        request.max_attempts = 1;
        const bool resume = file_.size() > 0 && url.scheme() != "file";
        if (resume)
            request.headers["range"] = fmt::format("bytes={}-", file_.size());
        else
            start_over();
        if (fresh_) request.headers["cache-control"] = "no-cache";
        request.on_response = [&](const HttpResponse& response) {
            if (resume && (response.status != 206 || response.range_start() != file_.size())) {
                start_over();
                if (response.status == 206)
                    throw Error(ErrorKind::Corrupt,
                                fmt::format("{}: {} sent another range than asked for", download_.name, url.host()));
            }
        };
        request.sink = [&](std::string_view bytes) {
            const std::uint64_t limit = download_.size.value_or(settings_.largest_unknown);
            if (file_.size() + bytes.size() > limit) {
                start_over();
                throw Error(ErrorKind::Corrupt, fmt::format("{}: {} sends more than the {} bytes that {}",
                                                            download_.name, redact(url.to_string()), limit,
                                                            download_.size ? "were promised" : "a file may have"));
            }
            file_.append(bytes);
            report(bytes.size());
        };
        answered_for_good_ = false;
        HttpResponse response = client_.send(request);
        request.sink = nullptr;
        request.on_response = nullptr;
        last_ = std::move(request);
        answered_for_good_ = !response.ok() && !is_transient_status(response.status) && response.status != 416;
        return response;
    }

    void check(const Url& url, const HttpResponse& response) {
        const std::uint64_t got_size = file_.size();
        const Digest got = file_.digest();
        const bool whole = !download_.size || *download_.size == got_size;
        if (got == download_.sha256 && whole) return file_.commit();
        start_over();
        if (got == download_.sha256) {
            throw Error(
                ErrorKind::Corrupt,
                fmt::format("{} from {}: its sha256 is right and its size is not: {} bytes came, {} were promised",
                            download_.name, redact(url.to_string()), got_size, *download_.size))
                .with_hint("its index or lock contradicts itself: make it again, or ask who runs the channel to");
        }
        std::string message = fmt::format("{} from {}: the sha256 is {}, expected {}", download_.name,
                                          redact(url.to_string()), got.hex(), download_.sha256.hex());
        if (download_.size && *download_.size != got_size)
            message += fmt::format(" ({} bytes came, {} were promised)", got_size, *download_.size);
        Error error(ErrorKind::Corrupt, std::move(message));
        if (response.header("content-type").find("html") != std::string::npos)
            throw std::move(error).with_hint(
                "the server sent an HTML page instead of the file: is there a login page or a proxy in the way?");
        throw error;
    }

    void start_over() {
        file_.truncate();
        reported_from_ = 0;
    }

    // Bytes that come a second time are not counted twice.
    void report(std::uint64_t bytes) {
        reported_from_ += bytes;
        if (reported_from_ <= reported_) return;
        progress_.advance(reported_from_ - reported_);
        reported_ = reported_from_;
    }

    HttpClient& client_;
    const Download& download_;
    const DownloadSettings& settings_;
    Progress& progress_;
    Reporter& reporter_;
    net::PartialFile& file_;
    HttpRequest last_;
    bool fresh_ = false;
    bool answered_for_good_ = false;
    std::uint64_t reported_ = 0, reported_from_ = 0;
};

}  // namespace

Downloader::Downloader(HttpClient& client, fs::path folder, Reporter& reporter, DownloadSettings settings)
    : client_(&client), folder_(std::move(folder)), reporter_(&reporter), settings_(settings) {}

fs::path Downloader::path_of(const Digest& sha256) const {
    const std::string hex = sha256.hex();
    return folder_ / hex.substr(0, 2) / hex;
}

std::optional<fs::path> Downloader::find(const Digest& sha256, std::optional<std::uint64_t> size) const {
    const fs::path path = path_of(sha256);
    std::error_code error;
    const auto there = fs::file_size(path, error);
    if (error || (size && there != *size)) return std::nullopt;
    if (sha256_of_file(path, client_->cancel()) != sha256) return std::nullopt;
    return path;
}

std::vector<fs::path> Downloader::fetch(const std::vector<Download>& downloads, std::string_view title) const {
    std::vector<fs::path> paths(downloads.size());
    std::vector<std::size_t> missing;
    std::uint64_t total = 0;
    bool all_sizes_known = true;
    for (std::size_t i = 0; i < downloads.size(); ++i) {
        if (downloads[i].sha256.empty()) {
            throw Error(ErrorKind::Corrupt,
                        fmt::format("{}: its sha256 is not known, so it cannot be checked", downloads[i].name));
        }
    }
    parallel_for(downloads.size(), std::min(settings_.connections, std::max<std::size_t>(downloads.size(), 1)),
                 [&](std::size_t i) { paths[i] = find(downloads[i].sha256, downloads[i].size).value_or(fs::path()); });
    for (std::size_t i = 0; i < downloads.size(); ++i) {
        if (!paths[i].empty()) continue;
        if (downloads[i].urls.empty())
            throw Error(ErrorKind::InvalidInput, fmt::format("{}: no URL to get it from", downloads[i].name));
        missing.push_back(i);
        total += downloads[i].size.value_or(0);
        all_sizes_known &= downloads[i].size.has_value();
    }
    if (missing.empty()) return paths;

    // The large ones first, so that none of them is left over at the end.
    std::stable_sort(missing.begin(), missing.end(), [&](std::size_t a, std::size_t b) {
        return downloads[a].size.value_or(0) > downloads[b].size.value_or(0);
    });
    const auto progress = reporter_->start(title, Reporter::Unit::Bytes, all_sizes_known ? total : 0);
    parallel_for(missing.size(), std::min(settings_.connections, missing.size()), [&](std::size_t k) {
        const Download& download = downloads[missing[k]];
        const fs::path path = path_of(download.sha256);
        net::PartialFile file(path, client_->cancel());
        // Whoever held the partial file before may have finished it.
        if (!find(download.sha256, download.size)) {
            progress->set_detail(download.name);
            std::error_code ignored;
            if (fs::exists(path, ignored)) {
                reporter_->warn(
                    fmt::format("{}: {} is damaged in the cache; it is fetched again", path.string(), download.name));
            }
            Fetch(*client_, download, settings_, *progress, *reporter_, file).run();
        } else {
            progress->advance(download.size.value_or(0));
        }
        paths[missing[k]] = path;
    });
    return paths;
}

fs::path Downloader::fetch_one(const Download& download) const {
    return fetch({download}, fmt::format("Downloading {}", download.name)).front();
}

}  // namespace envbuild
