// .condarc: what conda's own configuration says of channels, read so that a file means here what it means to conda.
#pragma once

#include <string>
#include <vector>

#include "base/process_env.hpp"
#include "conda/channel.hpp"

namespace envbuild::build {

// From every place that conda reads. A file that cannot be read or parsed is a warning, not an error: conda's
// configuration is not envbuild's.
[[nodiscard]] conda::ChannelSettings read_condarc(const ProcessEnv& env, std::vector<std::string>& warnings);

}  // namespace envbuild::build
