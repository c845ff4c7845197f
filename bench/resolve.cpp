// Times requests on a channel, a folder of this machine or a URL, by stage:
//
//     bench_resolve [--cache FOLDER] [--repeat N] [--gpu] [--list] CHANNEL [SPEC...]
//
// A request is the SPECs, or a list that is built in. "index" is getting at the channel's records (of a URL the
// first time with a cache folder, and of a folder always: getting, decompressing and indexing them), "records" reading
// those of the names that are reached, "solve" all the rest. Repeated runs begin with the channel open, and read its
// records again. Peak memory is that of the process.
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "base/fs.hpp"
#include "base/strings.hpp"
#include "conda/repodata_fetcher.hpp"
#include "solve/repodata_source.hpp"
#include "solve/solver.hpp"
#include "solve/virtual_packages.hpp"

using namespace envbuild;

namespace {

using Clock = std::chrono::steady_clock;

double milliseconds_since(Clock::time_point start) {
    return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

double peak_mebibytes() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return static_cast<double>(usage.ru_maxrss) / 1024;
}

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
    bool gpu = false, list = false;
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

void run(const std::vector<std::string>& specs, const Options& options,
         const std::vector<solve::ChannelSource>& sources) {
    const auto request = request_for(specs, options.gpu);
    for (int i = 0; i < options.repeat; ++i) {
        solve::ChannelCandidates channels(sources);
        TimedCandidates candidates(channels);
        const auto start = Clock::now();
        std::string answer;
        solve::Statistics counts;
        try {
            const auto solution = solve::solve(request, candidates);
            counts = solution.statistics;
            answer = fmt::format("{:4} packages", solution.packages.size());
            if (options.list && i == 0) {
                for (const auto& record : solution.packages) fmt::print("    {}\n", record.dist_name());
            }
        } catch (const Error& error) {
            if (error.kind() != ErrorKind::Unsatisfiable) throw;
            answer = "no answer    ";
            if (options.list && i == 0) fmt::print("{}\n", error.to_string());
        }
        const auto total = milliseconds_since(start);
        fmt::print(
            "{}  total {:8.1f} ms  records {:8.1f} ms  solve {:8.1f} ms  {:5} names  {:6} candidates  {:6} read  {:3} "
            "searches  "
            "{:5} conflicts  {:6.1f} MiB  {}\n",
            answer, total, candidates.spent(), total - candidates.spent(), counts.names, counts.candidates, counts.read,
            counts.searches, counts.conflicts, peak_mebibytes(), join(specs, " "));
        std::fflush(stdout);
    }
}

}  // namespace

int main(int count, char** arguments) {
    try {
        const auto options = parse(count, arguments);
        if (options.channel.empty()) {
            fmt::print(stderr, "bench_resolve [--cache FOLDER] [--repeat N] [--gpu] [--list] CHANNEL [SPEC...]\n");
            return 2;
        }
        const auto temporary = std::filesystem::temp_directory_path() / fmt::format("bench_resolve-{}", ::getpid());
        conda::RepoDataFetchSettings settings;
        settings.cache_directory = options.cache.empty() ? temporary : options.cache;
        HttpClient http(HttpSettings{}, CancelToken());
        conda::RepoDataFetcher fetcher(http, conda::ChannelSettings{}, settings, silent_reporter());
        const auto start = Clock::now();
        const bool is_url = options.channel.find("://") != std::string::npos;
        const conda::Channel channel("bench",
                                     is_url ? value_or_throw(Url::parse(options.channel))
                                            : Url::from_path(std::filesystem::canonical(options.channel).string()));
        const auto sources = solve::channel_sources(fetcher.fetch({channel}, conda::Platform()));
        fmt::print("index {:.1f} ms  {:.1f} MiB\n", milliseconds_since(start), peak_mebibytes());
        const std::vector<std::vector<std::string>> requests =
            options.specs.empty()
                ? std::vector<std::vector<std::string>>{{"python=3.12", "numpy", "pandas", "scipy"},
                                                        {"python", "pytorch", "torchvision"},
                                                        {"scikit-learn", "matplotlib", "jupyterlab"},
                                                        {"xarray", "dask", "pyarrow"},
                                                        {"python", "pytorch", "torchvision", "transformers", "pandas",
                                                         "scikit-learn", "jupyterlab", "matplotlib", "dask"}}
                : std::vector<std::vector<std::string>>{options.specs};
        for (const auto& specs : requests) run(specs, options, sources);
        std::error_code ignored;
        std::filesystem::remove_all(temporary, ignored);
        return 0;
    } catch (const std::exception& error) {
        fmt::print(stderr, "{}\n", error.what());
        return 1;
    }
}
