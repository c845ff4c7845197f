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

// The merged settings with $NAME and ${NAME} replaced in the values that conda expands and envbuild reads
// (channel_alias, custom_channels, default_channels, custom_multichannels) and in mamba's mirrored_channels; keys stay
// as they are. What is unset stays as it is written, and `warnings` gets a line that names it. The result may hold
// credentials: it is for ChannelSettings::from_condarc alone.
[[nodiscard]] Json expand_condarc(Json merged, const ProcessEnv& env, std::vector<std::string>& warnings);

}  // namespace envbuild::conda
