// Times requests on a channel, a folder of this machine or a URL, by stage:
//
//     bench_resolve [--cache FOLDER] [--repeat N] [--gpu] [--list] [--json] CHANNEL [SPEC...]
//
// A request is the SPECs, or a list that is built in. The stages:
//
//     fetch    until the last subdir has come or the server has said that the cached copy still holds; what comes is
//              decompressed and indexed on the way. Of a folder all until its records can be read
//     index    opening the index of what is cached
//     closure  reading the heads of the records of every name that the search reaches
//     solve    all the rest of the search
//     write    the answer as a conda-lock file, on disk
//
// The first two are once a process; repeated runs begin with the channel open, and read its records again. Memory is
// the process's peak so far.
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "base/fs.hpp"
#include "base/json.hpp"
#include "base/strings.hpp"
#include "conda/repodata_fetcher.hpp"
#include "lock/conda_lock.hpp"
#include "solve/repodata_source.hpp"
#include "solve/solver.hpp"
#include "solve/virtual_packages.hpp"

using namespace envbuild;

namespace {

using Clock = std::chrono::steady_clock;

double milliseconds_since(Clock::time_point start) {
    return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

struct Usage {
    double peak_mebibytes = 0, cpu_milliseconds = 0;
};

Usage usage() {
    rusage all{};
    getrusage(RUSAGE_SELF, &all);
    const auto milliseconds = [](const timeval& time) {
        return 1e3 * static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e3;
    };
    return {static_cast<double>(all.ru_maxrss) / 1024, milliseconds(all.ru_utime) + milliseconds(all.ru_stime)};
}

// When a fetcher last said where a subdir comes from: from then on only indexes are opened.
class TimedReporter : public Reporter {
  public:
    void warn(std::string_view message) override { fmt::print(stderr, "{}\n", message); }
    void note(std::string_view /*message*/) override {}
    void debug(std::string_view /*message*/) override { last_ = milliseconds_since(start_); }
    void log(std::string_view /*line*/) override {}
    std::unique_ptr<Progress> start(std::string_view title, Unit unit, std::uint64_t total) override {
        return silent_reporter().start(title, unit, total);
    }
    [[nodiscard]] double last() const { return last_; }

  private:
    const Clock::time_point start_ = Clock::now();
    std::atomic<double> last_ = 0;
};

// How long its records take to come.
class TimedCandidates : public solve::CandidateProvider {
  public:
    explicit TimedCandidates(solve::CandidateProvider& inner) : inner_(inner) {}
    solve::Offer offer(const std::string& name, const std::string& channel) override {
        const auto start = Clock::now();
        auto offer = inner_.offer(name, channel);
        spent_ += milliseconds_since(start);
        return offer;
    }
    std::vector<std::string> names() override { return inner_.names(); }
    [[nodiscard]] solve::ChannelPriority priority() const override { return inner_.priority(); }
    [[nodiscard]] double spent() const { return spent_; }

  private:
    solve::CandidateProvider& inner_;
    double spent_ = 0;
};

struct Options {
    std::string channel;
    std::filesystem::path cache;
    int repeat = 1;
    bool gpu = false, list = false, json = false;
    std::vector<std::string> specs;
};

Options parse(int count, char** arguments) {
    Options options;
    for (int i = 1; i < count; ++i) {
        const std::string argument = arguments[i];
        if (argument == "--cache" && i + 1 < count) {
            options.cache = arguments[++i];
        } else if (argument == "--repeat" && i + 1 < count) {
            options.repeat = std::stoi(arguments[++i]);
        } else if (argument == "--gpu") {
            options.gpu = true;
        } else if (argument == "--list") {
            options.list = true;
        } else if (argument == "--json") {
            options.json = true;
        } else if (options.channel.empty()) {
            options.channel = argument;
        } else {
            options.specs.push_back(argument);
        }
    }
    return options;
}

solve::Request request_for(const std::vector<std::string>& specs, bool gpu) {
    solve::Request request;
    for (const auto& text : specs) request.specs.push_back(value_or_throw(conda::MatchSpec::parse(text)));
    request.gpu = gpu;
    request.allow_missing_sha256 = true;
    request.virtual_packages = value_or_throw(solve::virtual_records(
        {{"__glibc", "2.35"}, {"__linux", "5.10"}, {"__unix", "0"}, {"__archspec", "1=x86_64"}, {"__cuda", "12.4"}}));
    return request;
}

struct Result {
    std::vector<std::string> specs;
    bool satisfiable = true;
    std::vector<conda::PackageRecord> packages;
    solve::Statistics counts;
    double closure = 0, solve = 0, write = 0;
    Usage used;
};

Result run(const std::vector<std::string>& specs, const Options& options,
           const std::vector<solve::ChannelSource>& sources, const std::filesystem::path& folder) {
    Result result;
    result.specs = specs;
    const auto request = request_for(specs, options.gpu);
    solve::ChannelCandidates channels(sources);
    TimedCandidates candidates(channels);
    const auto start = Clock::now();
    try {
        auto solution = solve::solve(request, candidates);
        result.counts = solution.statistics;
        result.packages = std::move(solution.packages);
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::Unsatisfiable) throw;
        result.satisfiable = false;
        if (options.list) fmt::print(stderr, "{}\n", error.to_string());
    }
    result.closure = candidates.spent();
    result.solve = milliseconds_since(start) - result.closure;
    const auto solved = Clock::now();
    lock::Lock lock;
    lock.conda = result.packages;
    lock.requested = specs;
    write_file_atomic(folder / "conda-lock.yml", lock::write_conda_lock(lock, "bench"));
    result.write = milliseconds_since(solved);
    result.used = usage();
    return result;
}

void print(const Result& result, bool list) {
    const auto& counts = result.counts;
    fmt::print("{:>8}{:>7}{:>9}{:>7}{:>10}{:>11}{:>10.1f}{:>9.1f}{:>8.1f}{:>9.1f}  {}\n",
               result.satisfiable ? std::to_string(result.packages.size()) : "none", counts.names, counts.candidates,
               counts.read, counts.searches, counts.conflicts, result.closure, result.solve, result.write,
               result.used.peak_mebibytes, join(result.specs, " "));
    if (list) {
        for (const auto& record : result.packages) fmt::print("    {}\n", record.dist_name());
    }
    std::fflush(stdout);
}

Json to_json(const Result& result, bool list) {
    Json json = Json::object();
    json.set("request", join(result.specs, " "));
    json.set("satisfiable", result.satisfiable);
    const auto count = [&](std::string_view name, std::size_t value) {
        json.set(std::string(name), static_cast<std::int64_t>(value));
    };
    count("packages", result.packages.size());
    count("names", result.counts.names);
    count("records", result.counts.candidates);
    count("records_read", result.counts.read);
    count("searches", result.counts.searches);
    count("conflicts", result.counts.conflicts);
    json.set("closure_ms", result.closure);
    json.set("solve_ms", result.solve);
    json.set("write_ms", result.write);
    json.set("peak_mib", result.used.peak_mebibytes);
    json.set("cpu_ms", result.used.cpu_milliseconds);
    if (list) {
        Json names = Json::array();
        for (const auto& record : result.packages) names.push(record.dist_name());
        json.set("list", std::move(names));
    }
    return json;
}

}  // namespace

int main(int count, char** arguments) {
    try {
        const auto options = parse(count, arguments);
        if (options.channel.empty()) {
            fmt::print(stderr,
                       "bench_resolve [--cache FOLDER] [--repeat N] [--gpu] [--list] [--json] CHANNEL [SPEC...]\n");
            return 2;
        }
        const auto temporary = std::filesystem::temp_directory_path() / fmt::format("bench_resolve-{}", ::getpid());
        std::filesystem::create_directories(temporary);
        conda::RepoDataFetchSettings settings;
        settings.cache_directory = options.cache.empty() ? temporary : options.cache;
        HttpClient http(HttpSettings{}, CancelToken());
        TimedReporter reporter;
        conda::RepoDataFetcher fetcher(http, conda::ChannelSettings{}, settings, reporter);
        const auto start = Clock::now();
        const bool is_url = options.channel.find("://") != std::string::npos;
        const conda::Channel channel("bench",
                                     is_url ? value_or_throw(Url::parse(options.channel))
                                            : Url::from_path(std::filesystem::canonical(options.channel).string()));
        const auto sources = solve::channel_sources(fetcher.fetch({channel}, conda::Platform()));
        const double opened = milliseconds_since(start);
        const double fetched = is_url ? std::min(opened, reporter.last()) : opened;
        Json results = Json::array();
        if (!options.json) {
            fmt::print("fetch {:.1f} ms, index {:.1f} ms, {:.1f} MiB\n\n", fetched, opened - fetched,
                       usage().peak_mebibytes);
            fmt::print(
                "packages  names  records   read  searches  conflicts   closure    solve   write      MiB  (stages in "
                "ms)\n");
        }
        const std::vector<std::vector<std::string>> requests =
            options.specs.empty()
                ? std::vector<std::vector<std::string>>{{"python=3.12", "numpy", "pandas", "scipy"},
                                                        {"python", "pytorch", "torchvision"},
                                                        {"scikit-learn", "matplotlib", "jupyterlab"},
                                                        {"xarray", "dask", "pyarrow"},
                                                        {"python", "pytorch", "tensorflow", "transformers",
                                                         "jupyterlab", "matplotlib", "opencv", "rasterio", "dask"}}
                : std::vector<std::vector<std::string>>{options.specs};
        for (const auto& specs : requests) {
            for (int i = 0; i < options.repeat; ++i) {
                const auto result = run(specs, options, sources, temporary);
                if (options.json) {
                    results.push(to_json(result, options.list && i == 0));
                } else {
                    print(result, options.list && i == 0);
                }
            }
        }
        if (options.json) {
            Json all = Json::object();
            all.set("fetch_ms", fetched);
            all.set("index_ms", opened - fetched);
            all.set("requests", std::move(results));
            fmt::print("{}\n", all.dump(1));
        }
        std::error_code ignored;
        std::filesystem::remove_all(temporary, ignored);
        return 0;
    } catch (const std::exception& error) {
        fmt::print(stderr, "{}\n", error.what());
        return 1;
    }
}
