// A channel on a server of the test, and what fetches from it.
#pragma once

#include <atomic>
#include <catch2/catch.hpp>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

#include "base/fs.hpp"
#include "conda/repodata_fetcher.hpp"
#include "conda/shard_support.hpp"
#include "support/fault_server.hpp"
#include "support/recording_reporter.hpp"

namespace envbuild::conda::test {

using testing::FaultConnection;
using testing::FaultRequest;
namespace fault = testing::fault;
using Strings = std::vector<std::string>;

// A channel's server: what it answers is a function of the path; what it was asked is kept.
class ChannelServer {
  public:
    using Handler = testing::FaultHandler;

    void on(const std::string& path, Handler handler) {
        const std::lock_guard lock(mutex_);
        handlers_[path] = std::move(handler);
    }
    void serve(const std::string& path, const std::string& body, const std::string& etag = "") {
        on(path, [=](const FaultRequest& request, FaultConnection& connection) {
            const std::string header = etag.empty() ? "" : "ETag: " + etag + "\r\n";
            const bool same = !etag.empty() && request.header("if-none-match") == etag;
            same ? fault::respond(304, "", header)(request, connection)
                 : fault::respond(200, body, header)(request, connection);
        });
    }
    void status(const std::string& path, int status) { on(path, fault::respond(status)); }
    std::vector<std::string> asked() {
        const std::lock_guard lock(mutex_);
        return std::exchange(asked_, {});
    }
    [[nodiscard]] std::string url() const { return server_.url(""); }

  private:
    void answer(const FaultRequest& request, FaultConnection& connection) {
        Handler handler = fault::respond(404, "no such file");
        {
            const std::lock_guard lock(mutex_);
            asked_.push_back(request.target);
            if (const auto found = handlers_.find(request.target); found != handlers_.end()) handler = found->second;
        }
        handler(request, connection);
    }

    std::mutex mutex_;
    std::map<std::string, Handler> handlers_;
    std::vector<std::string> asked_;
    testing::FaultServer server_{
        [this](const FaultRequest& request, FaultConnection& connection) { answer(request, connection); }};
};

// A repodata.json with one package.
inline std::string repodata(const std::string& name) {
    return R"({"packages":{},"packages.conda":{")" + name + R"(-1.0-0.conda":{"name":")" + name +
           R"(","version":"1.0","build":"0"}}})";
}

struct FetchFixture {
    ChannelServer server;
    TempDir folder{"repodata-cache"};
    testing::RecordingReporter reporter;
    RepoDataFetchSettings settings{folder.path() / "cache"};
    ChannelSettings channels;
    HttpSettings http_settings = [] {
        HttpSettings quick;
        quick.retry.base_delay = quick.retry.max_delay = std::chrono::milliseconds(1);
        return quick;
    }();
    HttpClient http{http_settings, CancelToken()};

    Channel channel(const std::string& path = "/ch") {
        return Channel("ch", value_or_throw(Url::parse(server.url() + path)));
    }
    std::vector<FetchedChannel> fetch(const std::vector<Channel>& wanted, const std::vector<std::string>& roots = {}) {
        return RepoDataFetcher(http, channels, settings, reporter).fetch(wanted, Platform(), roots);
    }
    void serve_shards(const std::string& folder_path, const testing::ServedShards& shards,
                      const std::string& headers = "") {
        server.on(folder_path + "/repodata_shards.msgpack.zst", fault::respond(200, shards.index, headers));
        for (const auto& [file, bytes] : shards.shards) server.serve(folder_path + "/shards/" + file, bytes);
    }
    Error failure(const std::vector<Channel>& wanted, const std::vector<std::string>& roots = {}) {
        try {
            (void)fetch(wanted, roots);
        } catch (const Error& error) {
            return error;
        }
        FAIL("it was fetched");
        throw std::logic_error("unreachable");
    }
    // Asks for linux-64 from six threads, each with a client and a fetcher of its own as processes have. The server's
    // answer to `path` is held back until all have begun. How many `fits` is content with, and how often the server was
    // asked: those that wait take what the first was told, and one that begins only after that asks again, so a slow
    // machine may need more than one answer, but not one for each.
    struct AtOnce {
        int content = 0, asked = 0;
        static constexpr int kThreads = 6;
    };
    AtOnce fetch_at_once(const std::string& path, const testing::FaultHandler& answer,
                         const std::function<bool(const std::shared_ptr<const SubdirRecords>&)>& fits) {
        // What the handler needs lives as long as the handler: the server may still hold it when all threads are done.
        struct Counts {
            std::atomic<int> asked = 0, begun = 0, content = 0;
        };
        const auto counts = std::make_shared<Counts>();
        server.on(path, [counts, answer](const FaultRequest& request, FaultConnection& connection) {
            ++counts->asked;
            while (counts->begun < AtOnce::kThreads) std::this_thread::yield();
            std::this_thread::sleep_for(std::chrono::milliseconds(200));
            answer(request, connection);
        });
        {
            std::vector<std::jthread> threads;
            for (int i = 0; i < AtOnce::kThreads; ++i) {
                threads.emplace_back([&] {
                    HttpClient own(http_settings, CancelToken());
                    ++counts->begun;
                    RepoDataFetcher fetcher(own, channels, settings, silent_reporter());
                    if (fits(fetcher.fetch_subdir(channel(), "linux-64"))) ++counts->content;
                });
            }
        }
        return {counts->content, counts->asked};
    }
    std::size_t cached_files(const std::string& ending) const {
        std::size_t count = 0;
        if (!std::filesystem::exists(settings.cache_directory)) return 0;
        for (const auto& entry : std::filesystem::directory_iterator(settings.cache_directory)) {
            if (entry.path().filename().string().ends_with(ending)) ++count;
        }
        return count;
    }
};

}  // namespace envbuild::conda::test
