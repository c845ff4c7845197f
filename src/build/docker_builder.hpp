// DockerBuilder: a plan becomes an image in a Docker engine, and comes out of it as layers to publish.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/fs.hpp"
#include "build/plan.hpp"
#include "docker/engine.hpp"
#include "layer/docker_export.hpp"

namespace envbuild::build {

// What came out of the engine. The compressed layers lie in `folder` and go with it.
struct EngineImage {
    std::string id;  // "sha256:…", the config's digest
    layer::ExportedImage exported;
    std::shared_ptr<TempDir> folder;
};

// Talks to the engine only when asked to build. Thread-safe.
class DockerBuilder {
  public:
    explicit DockerBuilder(const Workbench& bench) : bench_(bench) {}

    // Builds with no network, tags the image `tag` (and "envbuild:<further>") in the engine, and exports it: base
    // layers are only recognised, new ones compressed. Throws Error: Transient or Io without an engine, BuildFailed
    // with the failing step and its last lines, Cancelled (the engine's build is cancelled too).
    [[nodiscard]] EngineImage build(const BuildPlan& plan, const std::string& tag,
                                    const std::vector<std::string>& further, Stages& stages) const;

    // Builds without exporting: the engine's image ID.
    [[nodiscard]] std::string build_only(const BuildPlan& plan, const std::string& tag, docker::Engine& engine,
                                         Stages& stages) const;
    [[nodiscard]] std::unique_ptr<docker::Engine> connect() const;

  private:
    const Workbench& bench_;
};

}  // namespace envbuild::build
