// The virtual packages of a target: the base image and the node that will run it, never the machine that builds.
#pragma once

#include <map>
#include <string>

#include "base/error.hpp"
#include "conda/platform.hpp"

namespace envbuild::catalog {

struct Target {
    conda::Platform platform;
    std::string glibc;  // of the base image, read from its layers
    std::string cuda;   // what the node's driver offers; "" for a node without GPU
    std::string cpu;    // an archspec name; "" for the platform's plain one
};

// "__unix" -> "0", "__linux" -> "5.10", "__glibc" -> "2.35", "__cuda" -> "12.4", "__archspec" -> "1=x86_64".
// `overrides` (by the package's name: EnvironmentSpec's) win; an empty one takes the package away, as in conda.
// InvalidInput for a value that is no version.
[[nodiscard]] Expected<std::map<std::string, std::string>> virtual_packages(
    const Target& target, const std::map<std::string, std::string>& overrides);

}  // namespace envbuild::catalog
