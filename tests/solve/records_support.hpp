// Short ways to write records and requests in tests.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "conda/match_spec.hpp"
#include "conda/package_record.hpp"
#include "solve/candidates.hpp"
#include "solve/solver.hpp"

namespace envbuild::solve::test {

// "numpy-1.26.0-py311_0" with its depends; everything else has plain values and can be set on the result.
[[nodiscard]] conda::PackageRecord record(const std::string& dist, std::vector<std::string> depends = {},
                                          std::vector<std::string> constrains = {});
[[nodiscard]] conda::MatchSpec spec(const std::string& text);
[[nodiscard]] std::vector<conda::MatchSpec> specs(const std::vector<std::string>& texts);
[[nodiscard]] std::vector<Constraint> pins(const std::vector<std::string>& texts, const std::string& origin = "");
[[nodiscard]] Request request(const std::vector<std::string>& texts);

// A demand on versions 1 to 3 of the name; `below` gives a random number under its argument.
[[nodiscard]] std::string random_demand(const std::string& name, const std::function<int(int)>& below);

// One channel, https://channel.test/main, or several by name.
[[nodiscard]] ChannelCandidates channel(std::vector<conda::PackageRecord> records);
[[nodiscard]] ChannelCandidates channels(
    std::vector<std::pair<std::string, std::vector<conda::PackageRecord>>> channels, ChannelPriority priority);

// "name-version-build" of each package, in order.
[[nodiscard]] std::vector<std::string> dists(const Solution& solution);
[[nodiscard]] std::vector<std::string> sorted_dists(const Solution& solution);
[[nodiscard]] std::vector<std::string> solve_dists(const std::vector<std::string>& texts,
                                                   std::vector<conda::PackageRecord> records);
// The whole text of the Error(Unsatisfiable); "" where there is a solution.
[[nodiscard]] std::string why_not(const Request& request, CandidateProvider& provider);

}  // namespace envbuild::solve::test
