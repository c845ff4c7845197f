// The solver on real metadata: 15,000 records of conda-forge, where they are there. Every answer is checked against the
// records themselves, so that the check does not rest on the solver's own idea of a problem.
#include <algorithm>
#include <iostream>
#include <random>

#include "base/fs.hpp"
#include "conda/repodata_fetcher.hpp"
#include "solve/gpu_constraint.hpp"
#include "solve/libsolv_support.hpp"
#include "solve/reached_request.hpp"
#include "solve/records_support.hpp"
#include "solve/repodata_source.hpp"
#include "solve/verify_answer.hpp"
#include "solve/virtual_packages.hpp"
#include "support/shared_data.hpp"

using namespace envbuild;
using namespace envbuild::solve;
using namespace envbuild::solve::test;

namespace {

std::vector<ChannelSource> load(const fs::path& folder) {
    const TempDir cache("modern");
    conda::RepoDataFetchSettings settings;
    settings.cache_directory = cache.path();
    HttpClient http(HttpSettings{}, CancelToken());
    conda::RepoDataFetcher fetcher(http, conda::ChannelSettings{}, settings, silent_reporter());
    const conda::Channel channel("modern", Url::from_path(fs::canonical(folder).string()));
    return channel_sources(fetcher.fetch({channel}, conda::Platform()));
}

// What the answer breaks; empty for a sound one.
std::vector<std::string> faults(const Solution& solution, const Request& request) {
    auto found = faults_of_answer(request, solution.packages);
    for (std::size_t i = 0; i < solution.packages.size(); ++i) {
        const auto& record = solution.packages[i];
        const auto python = std::find_if(solution.packages.begin(), solution.packages.end(),
                                         [](const auto& other) { return other.name == "python"; });
        if (record.noarch == conda::Noarch::Python &&
            python - solution.packages.begin() > static_cast<std::ptrdiff_t>(i)) {
            found.push_back("linked before python: " + record.name);
        }
    }
    return found;
}

std::vector<conda::PackageRecord> target() {
    return *virtual_records(
        {{"__glibc", "2.35"}, {"__linux", "5.10"}, {"__unix", "0"}, {"__archspec", "1=x86_64"}, {"__cuda", "12.4"}});
}

}  // namespace

TEST_CASE("real metadata: answers are sound, stable and the best") {
    const auto folder = envbuild::test::shared_file("data/channels/modern");
    if (!folder) return;
    const auto sources = load(*folder);
    const std::vector<std::vector<std::string>> requests = {
        {"python=3.11", "numpy", "pandas", "scipy"},
        {"python", "pytorch", "torchvision"},
        {"scikit-learn", "matplotlib", "jupyterlab"},
        {"xarray", "dask", "zarr", "pyarrow"},
    };
    for (const auto& texts : requests) {
        for (const bool gpu : {false, true}) {
            CAPTURE(texts, gpu);
            auto asked = request(texts);
            asked.allow_missing_sha256 = true;
            asked.gpu = gpu;
            asked.virtual_packages = target();
            ChannelCandidates provider(sources);
            const auto solution = [&]() -> std::optional<Solution> {
                try {
                    return solve::solve(asked, provider);
                } catch (const Error& error) {
                    if (error.kind() != ErrorKind::Unsatisfiable) throw;
                    UNSCOPED_INFO(error.to_string());
                    return std::nullopt;
                }
            }();
            REQUIRE(solution);
            CHECK(faults(*solution, asked).empty());
            std::reverse(asked.specs.begin(), asked.specs.end());
            CHECK(dists(solve::solve(asked, provider)) == dists(*solution));
            if (std::getenv("ENVBUILD_SHOW") != nullptr) {
                std::cout << solution->packages.size() << " packages, " << solution->statistics.names << " names, "
                          << solution->statistics.candidates << " candidates, " << solution->statistics.read
                          << " read, " << solution->statistics.searches << " searches, "
                          << solution->statistics.conflicts << " conflicts\n";
                for (const auto& note : solution->notes) std::cout << "  " << note << "\n";
                for (const auto& dist : dists(*solution)) std::cout << "  " << dist << "\n";
            }
            for (const auto& record : solution->packages) {
                const bool asked_by_name = std::any_of(asked.specs.begin(), asked.specs.end(),
                                                       [&](const auto& one) { return one.name() == record.name; });
                if (gpu && asked_by_name && comes_in_both(provider.offer(record.name, "").usable))
                    CHECK(is_gpu_build(record));
            }
        }
    }
}

TEST_CASE("real metadata: the search agrees with libsolv on random requests") {
    const auto folder = envbuild::test::shared_file("data/channels/modern");
    if (!folder) return;
    ChannelCandidates provider(load(*folder));
    const auto names = provider.names();
    std::mt19937 random(1);
    const auto below = [&](std::size_t limit) { return static_cast<std::size_t>(random()) % limit; };
    int found = 0, none = 0;
    for (int round = 0; round < 12; ++round) {
        std::vector<std::string> texts;
        for (std::size_t i = 0; i < 2 + below(4); ++i) {
            const auto& name = names[below(names.size())];
            const auto usable = provider.offer(name, "").usable;
            if (usable.empty()) continue;
            const auto version = usable[below(usable.size())].record->version.to_string();
            const std::vector<std::string> forms = {"", "==" + version, " >=" + version, " <" + version,
                                                    "==" + version};
            texts.push_back(name + forms[below(forms.size())]);
        }
        CAPTURE(texts);
        auto asked = request(texts);
        asked.allow_missing_sha256 = true;
        asked.virtual_packages = target();
        Universe universe(asked, provider);
        const auto parts = ProblemParts::all(asked);
        ReachedRequest reached(universe, parts);
        const bool answered = reached.search().solve({}, {});
        const auto problem = build_problem(universe, parts);
        REQUIRE(answered == make_libsolv_solver(problem)->solve({}).has_value());
        ++(answered ? found : none);
        if (answered) CHECK(faults(solve::solve(asked, provider), asked).empty());
    }
    CHECK(found > 2);
    CHECK(none > 2);
}
