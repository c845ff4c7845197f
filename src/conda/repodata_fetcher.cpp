#include "conda/repodata_fetcher.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <exception>
#include <limits>
#include <mutex>
#include <optional>
#include <set>

#include "base/loopback.hpp"
#include "base/parallel.hpp"
#include "base/strings.hpp"
#include "conda/repodata_cache.hpp"
#include "conda/repodata_download.hpp"
#include "conda/repodata_folder.hpp"
#include "conda/sharded_subdir.hpp"
#include "net/freshness.hpp"

namespace envbuild::conda {

namespace {

constexpr std::string_view kShards = "repodata_shards.msgpack.zst";
constexpr std::array<std::string_view, 4> kForms = {kShards, "repodata.json.zst", "repodata.json", "repodata.json.bz2"};
constexpr std::string_view kForbidden = "the server answered 403 Forbidden";

Error html_error(const Url& url) {
    return Error(ErrorKind::Corrupt,
                 fmt::format("{} answered with an HTML page, not with repodata", without_credentials(url).to_string()))
        .with_hint("is this a channel's URL? A proxy or a login page may also have answered in its place");
}

// Some servers answer 403 for what they do not have; 401 says that a login is needed, and is no answer.
bool is_forbidden(const Error& error) {
    return error.kind() == ErrorKind::Unauthorized && error.message().ends_with(kForbidden);
}

std::string login_hint(const Url& base) {
    const bool netrc = base.scheme() == "https" || is_loopback(base.host());
    return fmt::format("the channel needs a login: {} the channel's URL through an environment variable{}",
                       netrc ? "put its credential into ~/.netrc, or its token into" : "put its token or user into",
                       netrc ? "" : "; ~/.netrc is used over https alone");
}

// The server is down or asks for patience: it would say the same of its other files. 500 and 501 are what some answer
// to a file name that they do not know.
bool is_overloaded(const RepoDataAnswer& answer) {
    const int status = answer.response.status;
    return answer.failure->kind() == ErrorKind::Transient && status != 500 && status != 501;
}

// One subdir of one channel.
class SubdirFetch {
  public:
    SubdirFetch(HttpClient& http, const RepoDataFetchSettings& settings, Reporter& reporter, const Channel& channel,
                const std::string& subdir, const ChannelSettings& channels)
        : http_(http),
          settings_(settings),
          reporter_(reporter),
          origin_{channel.url().to_string(), subdir, channel.url().join(subdir).to_string()},
          cache_(settings.cache_directory, channel.url().join(subdir)) {
        for (const Url& mirror : mirrors_of(channel.url(), channels)) bases_.push_back(mirror.join(subdir));
    }

    // Null where it is missing.
    std::shared_ptr<const SubdirRecords> run() {
        if (is_local()) return from_bases();
        // Without the lock first: a state only ever names a whole file, and one that is gone by now is no reason to
        // fail.
        state_ = cache_.read();
        if (state_ && is_fresh()) {
            if (state_->missing) return nullptr;
            if (auto cached = from_cache("fresh in the cache")) return cached;
        }
        const FileLock lock = cache_.lock(http_.cancel());
        state_ = cache_.read();
        if (state_ && is_fresh()) {
            if (state_->missing) return nullptr;
            if (auto cached = from_cache("fresh in the cache")) return cached;
            cache_.forget();
        }
        auto data = from_bases();
        if (data == nullptr) {
            RepoDataState missing;
            missing.missing = true;
            missing.url = all_asked();
            missing.max_age = missing_max_age_;
            missing.checked_at = now_milliseconds();
            cache_.write(missing);
        }
        return data;
    }

    // The next run asks the server again.
    void forget_missing() const {
        if (is_local()) return;
        const FileLock lock = cache_.lock(http_.cancel());
        const auto state = cache_.read();
        if (state && state->missing) cache_.forget();
    }

  private:
    [[nodiscard]] bool is_local() const {
        return std::all_of(bases_.begin(), bases_.end(), [](const Url& base) { return base.scheme() == "file"; });
    }

    // Every mirror in turn: one that fails, or has nothing, is passed over for the next.
    std::shared_ptr<const SubdirRecords> from_bases() {
        std::optional<Error> failure;
        for (const Url& base : bases_) {
            try {
                if (auto data = base.scheme() == "file" ? from_folder(base) : from_server(base)) return data;
            } catch (const Error& error) {
                if (ends_the_run(error)) throw;
                if (bases_.size() > 1) reporter_.debug(fmt::format("{}; asking the next mirror", error.message()));
                // "Forbidden" may be taken for "empty" (fetch): an outage beside it may not.
                if (!failure || is_forbidden(*failure)) failure = error;
            }
        }
        if (failure) throw Error(std::move(*failure));
        return nullptr;
    }

    std::shared_ptr<const SubdirRecords> from_folder(const Url& base) {
        missing_max_age_ = 0;
        return read_repodata_folder(base, origin_, {settings_.cache_directory, settings_.size_limit}, http_.cancel());
    }

    // Null where the server has no form of it.
    std::shared_ptr<const SubdirRecords> from_server(const Url& base) {
        const std::string prefix = without_credentials(base).to_string() + "/";
        const bool known = state_ && !state_->missing && state_->url.starts_with(prefix);
        std::vector<std::string_view> files(kForms.begin(), kForms.end());
        // The form that the cached copy came in is asked first: it can answer "not modified".
        if (known && !settings_.refresh)
            std::ranges::stable_partition(files, [&](auto file) { return state_->url == prefix + std::string(file); });
        bool forbidden = false, html = false;
        std::optional<Error> failure;  // the first
        std::vector<std::string> damaged;
        const auto pass_over = [&](const Error& error, std::string_view form) {
            reporter_.debug(fmt::format("{}; asking for the next form", error.message()));
            if (error.kind() == ErrorKind::Corrupt)
                damaged.push_back(fmt::format("{}{} cannot be used: {}", prefix, form, error.message()));
            if (!failure) failure = error;
        };
        const auto tell_of_damaged = [&](std::string_view used) {
            for (const auto& message : damaged) reporter_.warn(fmt::format("{}; {} is used instead", message, used));
        };
        int attempts = HttpRequest().max_attempts;
        for (const std::string_view form : files) {
            const Url url = base.join(form);
            std::optional<RepoDataConditions> conditions;
            if (known && state_->url == prefix + std::string(form)) conditions = {state_->etag, state_->last_modified};
            const std::string file = cache_.new_file_name(form == kShards ? "msgpack" : "json");
            RepoDataReceiver receiver(
                settings_.cache_directory / file, settings_.size_limit,
                form == kShards ? std::nullopt : std::optional(without_credentials(url).to_string()));
            const RepoDataAnswer answer = request_repodata(http_, url, conditions, receiver, attempts);
            switch (answer.kind) {
                case RepoDataAnswer::Kind::Received:
                    try {
                        auto data = keep(receiver, file, url, answer.response);
                        tell_of_damaged(form);
                        return data;
                    } catch (const Error& error) {
                        if (ends_the_run(error)) throw;
                        pass_over(error, form);
                    }
                    break;
                case RepoDataAnswer::Kind::NotModified:
                    state_->checked_at = now_milliseconds();
                    state_->max_age = freshness_seconds(answer.response);
                    cache_.write(*state_);
                    if (auto cached = from_cache("not modified")) {
                        tell_of_damaged(form);
                        return cached;
                    }
                    cache_.forget();
                    return from_server(base);  // the cached copy was of no use
                case RepoDataAnswer::Kind::Forbidden:
                    forbidden = true;
                    break;
                case RepoDataAnswer::Kind::Html:
                    html = true;
                    break;
                case RepoDataAnswer::Kind::Missing:
                    missing_max_age_ = std::min(missing_max_age_, freshness_seconds(answer.response));
                    break;
                case RepoDataAnswer::Kind::Failed:
                    if (is_overloaded(answer)) attempts = 1;
                    pass_over(*answer.failure, form);
                    break;
            }
        }
        if (failure) throw Error(std::move(*failure));
        if (forbidden) {
            throw Error(ErrorKind::Unauthorized, fmt::format("{}repodata.json: {}", prefix, kForbidden))
                .with_hint(login_hint(base));
        }
        if (html) throw html_error(base.join("repodata.json"));
        return nullptr;
    }

    std::shared_ptr<const SubdirRecords> keep(RepoDataReceiver& receiver, const std::string& file, const Url& url,
                                              const HttpResponse& response) {
        RepoData::Origin origin = origin_;
        origin.shown = without_credentials(url).to_string();
        std::shared_ptr<const SubdirRecords> data;
        if (is_shard_index(url)) {
            // Checked before it has a name: a broken answer never gets into the cache.
            data = open_shards(receiver.file().temporary_path(), url, std::move(origin));
            receiver.file().commit();
        } else {
            data = receiver.commit(std::move(origin));
        }
        RepoDataState state;
        state.url = without_credentials(url).to_string();
        state.etag = response.header("etag");
        state.last_modified = response.header("last-modified");
        state.max_age = freshness_seconds(response);
        state.checked_at = now_milliseconds();
        state.file = file;
        state.size = receiver.file().size();
        cache_.write(state);
        reporter_.debug(fmt::format("{}: {}", state.url, human_bytes(state.size)));
        return data;
    }

    static bool is_shard_index(const Url& url) { return url.path().ends_with(kShards); }

    std::shared_ptr<const SubdirRecords> open_shards(const std::filesystem::path& file, const Url& url,
                                                     RepoData::Origin origin) const {
        auto index = decode_shard_index(read_file(file), origin.shown);
        std::vector<Url> index_urls = {url};
        for (const Url& base : bases_) {
            const Url other = base.join(kShards);
            if (base.scheme() != "file" && other != url) index_urls.push_back(other);
        }
        return std::make_shared<ShardedSubdir>(
            http_, std::move(index), index_urls, std::move(origin),
            ShardedSubdirSettings{settings_.cache_directory / "shards", settings_.size_limit});
    }

    // The state's URL as it is asked, with the credential of the mirror that it lies under.
    Url asked_at(const std::string& shown) const {
        for (const Url& base : bases_) {
            const std::string prefix = without_credentials(base).to_string() + "/";
            if (shown.starts_with(prefix)) return base.join(shown.substr(prefix.size()));
        }
        return value_or_throw(Url::parse(shown));
    }

    // Null, and no state any more, where the cached copy turns out to be broken.
    std::shared_ptr<const SubdirRecords> from_cache(std::string_view how) {
        RepoData::Origin origin = origin_;
        origin.shown = state_->url;
        try {
            reporter_.debug(fmt::format("{}: {}", state_->url, how));
            const Url url = asked_at(state_->url);
            if (is_shard_index(url)) return open_shards(cache_.path_of(*state_), url, std::move(origin));
            return RepoData::load_indexed(cache_.path_of(*state_), std::move(origin));
        } catch (const Error& error) {
            if (error.kind() != ErrorKind::Corrupt && error.kind() != ErrorKind::NotFound) throw;
            reporter_.debug(fmt::format("the cached copy of {} is dropped: {}", state_->url, error.message()));
            state_.reset();
            return nullptr;
        }
    }

    // Also what another process was told after this one had begun to wait for it.
    bool is_fresh() const {
        const bool ours = state_->missing
                              ? state_->url == all_asked()
                              : std::any_of(bases_.begin(), bases_.end(), [&](const Url& base) {
                                    return state_->url.starts_with(without_credentials(base).to_string() + "/");
                                });
        const std::int64_t now = now_milliseconds();
        if (!ours || state_->checked_at > now) return false;
        // Of one millisecond nobody knows what came first: then it is asked.
        return state_->checked_at > started_ ||
               (!settings_.refresh && now - state_->checked_at < state_->max_age * 1000);
    }

    // What a state "missing" was asked of: another mirror may have it.
    std::string all_asked() const {
        std::vector<std::string> urls;
        for (const Url& base : bases_) urls.push_back(without_credentials(base).to_string());
        return join(urls, " ");
    }

    HttpClient& http_;
    const RepoDataFetchSettings& settings_;
    Reporter& reporter_;
    RepoData::Origin origin_;
    RepoDataCache cache_;
    std::vector<Url> bases_;
    std::optional<RepoDataState> state_;
    std::int64_t started_ = now_milliseconds();
    std::int64_t missing_max_age_ = std::numeric_limits<std::int64_t>::max();  // of all answers that said so
};

Error not_there(const Channel& channel, const std::vector<std::string>& subdirs, const ChannelSettings& channels) {
    const Url asked = mirrors_of(channel.url(), channels).front();
    std::vector<std::string> urls;
    for (const std::string& subdir : subdirs)
        urls.push_back(without_credentials(asked).join(subdir).join("repodata.json").to_string());
    if (asked.scheme() == "file") {
        return Error(ErrorKind::NotFound,
                     fmt::format("channel {} is not there: no file {}", channel.name(), join(urls, " or ")))
            .with_hint(
                "a channel's folder holds a folder for each platform, with a repodata.json that `conda index` makes");
    }
    return Error(ErrorKind::NotFound,
                 fmt::format("channel {} is not there: {} answered 404", channel.name(), join(urls, " and ")))
        .with_hint("check the channel's name, or `channel_alias` and `custom_channels` in the settings");
}

}  // namespace

RepoDataFetcher::RepoDataFetcher(HttpClient& http, ChannelSettings channels, RepoDataFetchSettings settings,
                                 Reporter& reporter)
    : http_(http), channels_(std::move(channels)), settings_(std::move(settings)), reporter_(reporter) {}

std::shared_ptr<const SubdirRecords> RepoDataFetcher::fetch_subdir(const Channel& channel, const std::string& subdir) {
    return SubdirFetch(http_, settings_, reporter_, channel, subdir, channels_).run();
}

std::vector<FetchedChannel> RepoDataFetcher::fetch(const std::vector<Channel>& channels, const Platform& platform,
                                                   const std::vector<std::string>& roots) {
    std::vector<std::string> subdirs = {platform.to_string()};
    if (subdirs.front() != "noarch") subdirs.emplace_back("noarch");
    struct Outcome {
        std::shared_ptr<const SubdirRecords> data;
        std::exception_ptr failure;
        bool forbidden = false;
    };
    std::vector<Outcome> outcomes(channels.size() * subdirs.size());
    const auto progress = reporter_.start("Reading channels", Reporter::Unit::Items, outcomes.size());
    parallel_for(outcomes.size(), settings_.threads, [&](std::size_t i) {
        const Channel& channel = channels[i / subdirs.size()];
        const std::string& subdir = subdirs[i % subdirs.size()];
        progress->set_detail(fmt::format("{}/{}", channel.name(), subdir));
        try {
            outcomes[i].data = fetch_subdir(channel, subdir);
        } catch (const Error& error) {
            outcomes[i].failure = std::current_exception();
            outcomes[i].forbidden = is_forbidden(error);
            if (error.kind() == ErrorKind::Cancelled) throw;
        }
        progress->advance(1);
    });

    std::vector<FetchedChannel> fetched;
    for (std::size_t c = 0; c < channels.size(); ++c) {
        const auto first = outcomes.begin() + static_cast<std::ptrdiff_t>(c * subdirs.size());
        const auto last = first + static_cast<std::ptrdiff_t>(subdirs.size());
        const bool any = std::any_of(first, last, [](const Outcome& outcome) { return outcome.data != nullptr; });
        FetchedChannel result{channels[c], {}};
        for (auto outcome = first; outcome != last; ++outcome) {
            const std::string& subdir = subdirs[static_cast<std::size_t>(outcome - first)];
            if (outcome->failure && any && outcome->forbidden) {
                reporter_.warn(
                    fmt::format("channel {}: the server forbids {}; it is taken as empty", channels[c].name(), subdir));
            } else if (outcome->failure) {
                std::rethrow_exception(outcome->failure);
            }
            const std::string url = channels[c].url().to_string();
            result.subdirs.push_back(outcome->data ? outcome->data
                                                   : RepoData::empty({url, subdir, url + "/" + subdir}));
        }
        if (!any) {
            // Whoever mends the channel after this error sees at once that it is mended.
            for (const std::string& subdir : subdirs)
                SubdirFetch(http_, settings_, reporter_, channels[c], subdir, channels_).forget_missing();
            throw not_there(channels[c], subdirs, channels_);
        }
        fetched.push_back(std::move(result));
    }
    fetch_reachable(fetched, roots);
    return fetched;
}

// Names a wave deep: what the records of the last wave need is fetched together, in all subdirs.
void RepoDataFetcher::fetch_reachable(const std::vector<FetchedChannel>& channels,
                                      const std::vector<std::string>& roots) {
    std::vector<const SubdirRecords*> subdirs;
    for (const auto& channel : channels) {
        for (const auto& subdir : channel.subdirs) subdirs.push_back(subdir.get());
    }
    if (std::ranges::none_of(subdirs, &SubdirRecords::is_sharded)) return;
    std::set<std::string> seen(roots.begin(), roots.end());
    std::vector<std::string> wave(seen.begin(), seen.end());
    const auto progress = reporter_.start("Reading shards", Reporter::Unit::Items, 0);
    while (!wave.empty()) {
        std::vector<std::pair<const SubdirRecords*, std::string>> wanted;
        for (const auto* subdir : subdirs) {
            for (const auto& name : wave) {
                if (subdir->has(name)) wanted.emplace_back(subdir, name);
            }
        }
        std::mutex mutex;
        std::vector<std::string> next;
        parallel_for(wanted.size(), settings_.shard_threads, [&](std::size_t i) {
            http_.cancel().throw_if_cancelled();
            auto needs = wanted[i].first->needs(wanted[i].second);
            progress->advance(1);
            const std::lock_guard lock(mutex);
            for (auto& name : needs) {
                if (!name.starts_with("__") && seen.insert(name).second) next.push_back(std::move(name));
            }
        });
        wave = std::move(next);
    }
    ShardedSubdir::sweep(settings_.cache_directory / "shards");
}

}  // namespace envbuild::conda
