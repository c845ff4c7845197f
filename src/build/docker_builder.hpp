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
enum class EngineCache : std::uint8_t { Use, Ignore };

struct EngineImage {
    std::string id;  // "sha256:…", the config's digest
    layer::ExportedImage exported;
    std::shared_ptr<TempDir> folder;
};

// The engine that the settings name, else DOCKER_HOST's or the Docker context's; negotiated.
[[nodiscard]] std::unique_ptr<docker::Engine> connect_engine(const Workbench& bench);
[[nodiscard]] docker::Builder wanted_builder(const Settings& settings, docker::Engine& engine);
// Pulls `reference`, of `repository`, where the engine has it not: BuildKit takes no credential for FROM without a
// session.
void ensure_image(const std::string& reference, const oci::Repository& repository, docker::Engine& engine,
                  const Workbench& bench);
// Streams an image out of the engine: layers of `known` are only recognised, the others compressed. The stage "export".
[[nodiscard]] EngineImage export_image(docker::Engine& engine, const std::string& id,
                                       std::vector<layer::KnownLayer> known, const Workbench& bench, Stages& stages);
// The layers of a base as an export recognises them.
[[nodiscard]] std::vector<layer::KnownLayer> known_layers(const ResolvedBase& base);

// Talks to the engine only when asked to build. Thread-safe.
class DockerBuilder {
  public:
    explicit DockerBuilder(const Workbench& bench) : bench_(bench) {}

    // Builds with no network, tags the image `tag` (and "envbuild:<further>") in the engine, and exports it: base
    // layers are only recognised, new ones compressed. Throws Error: Transient or Io without an engine, BuildFailed
    // with the failing step and its last lines, Cancelled (the engine's build is cancelled too).
    [[nodiscard]] EngineImage build(const BuildPlan& plan, const std::string& tag,
                                    const std::vector<std::string>& further, EngineCache cache, Stages& stages) const;

    // Builds without exporting: the engine's image ID.
    [[nodiscard]] std::string build_only(const BuildPlan& plan, const std::string& tag, docker::Engine& engine,
                                         Stages& stages, EngineCache cache = EngineCache::Use) const;
    // For those who run containers: what killed runs left of them is removed first.
    [[nodiscard]] std::unique_ptr<docker::Engine> connect() const;

  private:
    const Workbench& bench_;
};

}  // namespace envbuild::build
