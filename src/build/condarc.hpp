// .condarc: what conda's own configuration says of channels and pins, read so that a file means here what it means to
// conda.
#pragma once

#include <string>
#include <vector>

#include "base/process_env.hpp"
#include "conda/channel.hpp"
#include "spec/environment_reader.hpp"

namespace envbuild::build {

struct Condarc {
    conda::ChannelSettings channels;
    // What decides which packages are taken is an error where it cannot be read, told to whom it concerns: InvalidInput
    // that names the file.
    Expected<std::string> channel_priority;             // strict, flexible or disabled; "" where no file says
    Expected<std::vector<spec::WrittenPin>> pins = {};  // pinned_packages of all files, the strongest's first
};

// From every place that conda reads, with environment variables expanded. A file that cannot be read or parsed is a
// warning, not an error: conda's configuration is not envbuild's.
[[nodiscard]] Condarc read_condarc(const ProcessEnv& env, std::vector<std::string>& warnings);

}  // namespace envbuild::build
