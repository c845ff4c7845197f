// Times pip's half on a package index:
//
//     bench_pip [--cache FOLDER] [--python 3.11.4] [--glibc 2.36] [--json] INDEX-URL LINE...
//
// One resolution a process, from the lines to the files that a lock would pin; without --cache nothing is kept.
#include <fmt/format.h>
#include <sys/resource.h>

#include <chrono>
#include <cstdio>

#include "base/fs.hpp"
#include "base/json.hpp"
#include "base/strings.hpp"
#include "solve/pip_index.hpp"

using namespace envbuild;

namespace {

struct Options {
    std::filesystem::path cache;
    std::string python = "3.11.4", glibc = "2.36", index;
    std::vector<std::string> lines;
    bool json = false;
};

Options parse(int count, char** arguments) {
    Options options;
    for (int i = 1; i < count; ++i) {
        const std::string word = arguments[i];
        const bool more = i + 1 < count;
        if (word == "--cache" && more) {
            options.cache = arguments[++i];
        } else if (word == "--python" && more) {
            options.python = arguments[++i];
        } else if (word == "--glibc" && more) {
            options.glibc = arguments[++i];
        } else if (word == "--json") {
            options.json = true;
        } else if (options.index.empty()) {
            options.index = word;
        } else {
            options.lines.push_back(word);
        }
    }
    return options;
}

solve::PipSolution resolve(const Options& options, const std::filesystem::path& cache) {
    HttpClient http(HttpSettings{}, CancelToken());
    pypi::PackageIndexSettings settings;
    settings.indexes = {value_or_throw(Url::parse(options.index))};
    settings.cache_directory = cache;
    pypi::PackageIndex index(http, std::move(settings), silent_reporter());
    const Downloader downloader(http, cache / "files", silent_reporter());
    const pypi::MetadataSource metadata(http, downloader, cache / "metadata", silent_reporter());
    solve::PipIndex provider(index, metadata);
    constexpr auto* kMachine = "x86_64";
    solve::PipRequest request{
        .lines = {},
        .direct = {},
        .constraints = {},
        .provided = {},
        .rules = {pypi::TagSet(value_or_throw(pypi::TagTarget::of(options.python, kMachine, options.glibc))),
                  options.python},
        .environment = value_or_throw(pypi::MarkerEnvironment::cpython_on_linux(options.python, kMachine)),
        .cuda = {}};
    for (const auto& line : options.lines)
        request.lines.push_back({value_or_throw(pypi::Requirement::parse(line)), {}});
    return solve::solve_pip(request, provider);
}

void print(const solve::PipSolution& solution, double milliseconds, bool json) {
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    const auto& counts = solution.statistics;
    std::vector<std::string> names;
    for (const auto& choice : solution.packages) names.push_back(choice.name + "==" + choice.version.to_string());
    if (!json) {
        fmt::print("{} packages, {} projects, {} files' metadata, {} searches, {} conflicts, {:.1f} ms, {:.1f} MiB\n",
                   names.size(), counts.projects, counts.metadata, counts.searches, counts.conflicts, milliseconds,
                   static_cast<double>(used.ru_maxrss) / 1024);
        return;
    }
    Json told = Json::object();
    told.set("packages", Json(names));
    told.set("metadata", static_cast<std::int64_t>(counts.metadata));
    told.set("conflicts", static_cast<std::int64_t>(counts.conflicts));
    told.set("ms", milliseconds);
    fmt::print("{}\n", told.dump());
}

}  // namespace

int main(int count, char** arguments) {
    try {
        const auto options = parse(count, arguments);
        if (options.lines.empty()) {
            fmt::print(stderr,
                       "bench_pip [--cache FOLDER] [--python 3.11.4] [--glibc 2.36] [--json] INDEX-URL LINE...\n");
            return 2;
        }
        const TempDir temporary("bench-pip");
        const auto start = std::chrono::steady_clock::now();
        const auto solution = resolve(options, options.cache.empty() ? temporary.path() : options.cache);
        print(solution, std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count(),
              options.json);
        return 0;
    } catch (const Error& error) {
        fmt::print(stderr, "{}\n", error.to_string());
        return exit_code(error.kind());
    }
}
