// What vector_check runs: for each file of vectors, by name, the check of its rows.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>

#include "base/json.hpp"

namespace envbuild::vectors {

// Counts rows; prints the first that differ.
class Tally {
  public:
    void check(bool passed, const std::function<std::string()>& describe);
    std::size_t passed = 0, failed = 0;
};

using Runs = std::map<std::string, std::function<void(const Json& file, Tally&)>>;

[[nodiscard]] Runs conda_runs();  // version_*.json, match_spec_*.json
[[nodiscard]] Runs pypi_runs();   // pep440_*.json, pep508_*.json

}  // namespace envbuild::vectors
