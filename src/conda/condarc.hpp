// Where conda keeps its settings, and how several such files become one.
#pragma once

#include <filesystem>
#include <vector>

#include "base/json.hpp"
#include "base/process_env.hpp"

namespace envbuild::conda {

// Every place that conda reads settings from, whether or not a file is there, the weakest first. Folders "condarc.d"
// are not listed as such: their *.yml and *.yaml files are, in order of name.
[[nodiscard]] std::vector<std::filesystem::path> condarc_paths(const ProcessEnv& env);

// conda's merge: a stronger file's scalar wins, maps are merged key by key, and a stronger file's list goes before a
// weaker one's, without repeats. What is not a mapping counts as empty.
[[nodiscard]] Json merge_condarc(const std::vector<Json>& weakest_first);

}  // namespace envbuild::conda
