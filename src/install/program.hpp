// Runs a program of the environment that is being made, in its root.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace envbuild::install {

struct Program {
    std::filesystem::path root;              // chroot there first, unless it is "/"
    std::vector<std::string> argv;           // argv[0] is an absolute path within the root
    std::map<std::string, std::string> env;  // the whole environment: nothing is inherited
    std::string directory = "/";             // within the root
};

// Waits for it; its outputs are ours. The exit code, 128 + signal where it was killed. Error(BuildFailed) when it
// cannot be started.
[[nodiscard]] int run(const Program& program);

}  // namespace envbuild::install
