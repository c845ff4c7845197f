#include "build/pin_hashes.hpp"

#include <fmt/format.h>

#include <optional>

#include "base/file_digest.hpp"
#include "base/fs.hpp"
#include "conda/channel.hpp"

namespace envbuild::build {

namespace {

constexpr std::uint64_t kLargest = 32ULL << 30;

// What one URL gives, in `file`: its hash.
Digest fetch(const conda::PackageRecord& record, const Url& url, const std::filesystem::path& file,
             const Workbench& bench) {
    AtomicFile out(file);
    Sha256 hash;
    HttpRequest request;
    request.url = url;
    request.max_attempts = 1;
    request.sink = [&](std::string_view bytes) {
        if (out.size() + bytes.size() > (record.size != 0 ? record.size : kLargest))
            throw Error(ErrorKind::Corrupt, fmt::format("{} has more bytes than its channel says", record.file_name));
        hash.update(bytes);
        out.write(bytes);
    };
    const auto answer = bench.http().send(request);
    if (!answer.ok()) throw http_error("downloading " + record.file_name, request, answer);
    if (record.size != 0 && out.size() != record.size) {
        throw Error(ErrorKind::Corrupt,
                    fmt::format("{} has {} bytes, but its channel says {}", record.file_name, out.size(), record.size));
    }
    out.commit();
    if (!record.md5.empty() && md5_file(file) != record.md5) {
        throw Error(ErrorKind::Corrupt,
                    fmt::format("{} does not have the md5 {} that its channel says", record.file_name, record.md5));
    }
    return hash.finish();
}

}  // namespace

void pin_hashes(std::vector<conda::PackageRecord>& records, const Workbench& bench) {
    const auto cache = bench.downloader();
    for (auto& record : records) {
        if (record.sha256) continue;
        const TempDir folder("unpinned", bench.cache_folder("tmp"));
        const auto file = folder.path() / "package";
        std::optional<Error> failure;
        for (const auto& url : conda::mirrors_of(record.url, bench.channel_settings())) {
            try {
                record.sha256 = fetch(record, url, file, bench);
                break;
            } catch (const Error& error) {
                if (error.kind() == ErrorKind::Cancelled) throw;
                if (!failure) failure = error;
            }
        }
        if (!record.sha256) throw std::move(failure).value();
        bench.reporter().warn(
            fmt::format("{} has no sha256 in its channel; what came is pinned, {}: {}", record.file_name,
                        record.md5.empty() ? "unchecked" : "checked by its md5 alone", record.sha256->hex()));
        const auto kept = cache.path_of(*record.sha256);
        std::filesystem::create_directories(kept.parent_path());
        std::filesystem::rename(file, kept);
    }
}

}  // namespace envbuild::build
