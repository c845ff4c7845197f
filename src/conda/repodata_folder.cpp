#include "conda/repodata_folder.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>

#include "base/fs.hpp"
#include "conda/repodata_cache.hpp"
#include "conda/repodata_download.hpp"
#include "conda/repodata_file.hpp"

namespace envbuild::conda {

namespace {

// Whether a file is the same as before.
struct FileState {
    std::uint64_t size = 0;
    std::int64_t changed = 0;  // seconds since the epoch
    std::string words;

    static FileState of(const struct stat& status) {
        return {
            static_cast<std::uint64_t>(status.st_size), std::max(status.st_mtim.tv_sec, status.st_ctim.tv_sec),
            fmt::format("size {} inode {} modified {}.{:09} changed {}.{:09}", status.st_size, status.st_ino,
                        status.st_mtim.tv_sec, status.st_mtim.tv_nsec, status.st_ctim.tv_sec, status.st_ctim.tv_nsec)};
    }
    [[nodiscard]] bool is_settled(std::chrono::seconds after) const {
        const auto now = std::chrono::system_clock::now().time_since_epoch();
        return std::chrono::seconds(changed) + after < now;
    }
};

FileState state_of(const UniqueFd& file, const fs::path& path) {
    struct stat status{};
    if (::fstat(file.get(), &status) != 0) throw_errno("read", path);
    return FileState::of(status);
}

class KeptCopy {
  public:
    KeptCopy(const Url& folder, RepoData::Origin origin, const RepoDataFolderSettings& settings)
        : origin_(std::move(origin)),
          settings_(settings),
          // Not the key of the subdir itself: who asks for that may hold its lock.
          cache_(settings.cache_directory, folder.join("repodata.json")) {}

    std::shared_ptr<const RepoData> get(const UniqueFd& file, const FileState& state, const CancelToken& cancel) {
        if (auto known = find(state)) return known;
        const FileLock lock = cache_.lock(cancel);
        if (auto known = find(state)) return known;
        return make(file, state, cancel);
    }

  private:
    std::shared_ptr<const RepoData> find(const FileState& state) const {
        const auto known = cache_.read();
        if (!known || known->missing || known->url != origin_.shown || known->etag != state.words) return nullptr;
        try {
            return RepoData::load_indexed(cache_.path_of(*known), origin_);
        } catch (const Error& error) {
            if (error.kind() != ErrorKind::Corrupt && error.kind() != ErrorKind::NotFound) throw;
            return nullptr;
        }
    }

    std::shared_ptr<const RepoData> make(const UniqueFd& file, const FileState& state, const CancelToken& cancel) {
        RepoDataState kept;
        kept.file = cache_.new_file_name("json");
        RepoDataReceiver receiver(cache_.path_of(kept), settings_.size_limit, origin_.shown);
        read_in_pieces(file, origin_.shown, [&](std::string_view bytes) {
            cancel.throw_if_cancelled();
            receiver.write(bytes);
        });
        receiver.finish();
        if (state_of(file, origin_.shown).words != state.words) {
            throw Error(ErrorKind::Transient, fmt::format("{} was changed while it was read", origin_.shown))
                .with_hint("run this again once the channel is written");
        }
        auto data = receiver.commit(origin_);
        kept.url = origin_.shown;
        kept.etag = state.words;
        kept.size = receiver.file().size();
        cache_.write(kept);
        return data;
    }

    RepoData::Origin origin_;
    const RepoDataFolderSettings& settings_;
    RepoDataCache cache_;
};

}  // namespace

std::shared_ptr<const RepoData> read_repodata_folder(const Url& folder, RepoData::Origin origin,
                                                     const RepoDataFolderSettings& settings,
                                                     const CancelToken& cancel) {
    for (const std::string_view name : {"repodata.json", "repodata.json.zst", "repodata.json.bz2"}) {
        const fs::path path = fs::path(folder.file_path()) / name;
        origin.shown = path.string();
        if (const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC)); file) {
            const auto state = state_of(file, path);
            if (state.size >= settings.kept_from && state.is_settled(settings.settled_after)) {
                try {
                    return KeptCopy(folder, origin, settings).get(file, state, cancel);
                } catch (const Error& error) {
                    if (error.kind() != ErrorKind::Io) throw;
                } catch (const RepoDataReceiver::HtmlPage&) {  // what is said below of it
                }
            }
        }
        auto bytes = read_file_if_exists(path);
        if (!bytes) continue;
        if (!name.ends_with(".json")) bytes = decompress(*bytes, settings.size_limit, origin.shown);
        return RepoData::from_bytes(std::move(*bytes), std::move(origin));
    }
    return nullptr;
}

}  // namespace envbuild::conda
