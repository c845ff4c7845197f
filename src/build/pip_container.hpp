// The throwaway container of the pip phase: the lock's own Python and pip on the base image, with a network.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "build/docker_builder.hpp"
#include "layer/context_stream.hpp"

namespace envbuild::build {

// Not thread-safe. Its image is made once; every run is a container of its own.
class PipContainer {
  public:
    static constexpr std::string_view kFolder = "/envbuild-pip";  // the working folder, where files are put

    // Builds the image of the lock's conda part. `pip_conf` is pip's configuration, credentials for its indexes
    // included: it is in the container's files alone.
    PipContainer(const ResolvedBase& base, const lock::Lock& lock, std::string pip_conf, const Workbench& bench,
                 Stages& stages);

    // A file for run(), at `name` below kFolder.
    [[nodiscard]] static layer::ContextFile text_file(std::string_view name, std::string text);

    // Runs the lock's Python with these arguments; gives back the JSON that it wrote to `result`, a path below kFolder.
    // Throws Error: Unsatisfiable with pip's own words where it finds no files, Transient where it reaches no index,
    // BuildFailed otherwise.
    [[nodiscard]] Json run(std::vector<layer::ContextFile> files, const std::vector<std::string>& arguments,
                           std::string_view result);

  private:
    const Workbench& bench_;
    DockerBuilder builder_;
    std::unique_ptr<docker::Engine> engine_;
    std::string prefix_, pip_conf_, image_;
};

}  // namespace envbuild::build
