// What an engine says while it builds: shown live, kept in a file, and at hand when a step fails.
#pragma once

#include <cstdio>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/reporter.hpp"
#include "docker/build_event.hpp"
#include "docker/engine.hpp"

namespace envbuild::build {

// One build. Not thread-safe. The file is `<folder>/<key>-<UTC time>-<process>.log` ("…-20261123T013304Z-4711.log",
// with
// "-2" behind it where one process builds the same twice in a second); of all that are there the oldest are removed.
class BuildLog {
  public:
    BuildLog(const std::filesystem::path& folder, const std::string& key, Reporter& reporter);
    ~BuildLog();
    BuildLog(const BuildLog&) = delete;
    BuildLog& operator=(const BuildLog&) = delete;

    void add(const docker::BuildEvent& event);
    // Runs a build and takes its events; a failure says where the whole log is.
    docker::BuildResult follow(const std::function<docker::BuildResult(const docker::OnBuildEvent&)>& build);
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  private:
    void write(std::string_view line);

    std::filesystem::path path_;
    std::FILE* file_ = nullptr;
    Reporter& reporter_;
    std::unique_ptr<Progress> progress_;
};

}  // namespace envbuild::build
