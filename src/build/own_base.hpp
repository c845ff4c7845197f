// A base image that the user's own Dockerfile makes (docs/azure-ml.md): built once in the engine, with network, and
// kept in the repository, where it is a base image like any other.
//
// It lies under the tag `base-<key>`; the key is over the context's tree, the Dockerfile's path and the platform, and
// stands in the manifest's annotation too. The first build of a key stays the answer until --refresh or --rebuild.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "build/base_image.hpp"
#include "build/stages.hpp"
#include "docker/engine.hpp"
#include "layer/context_stream.hpp"
#include "spec/context_tree.hpp"
#include "spec/environment_spec.hpp"

namespace envbuild::build {

struct OwnContext {
    spec::OwnBase key;
    // Read, or fetched, where there is something to build; once.
    std::function<std::vector<layer::ContextFile>(const Workbench&)> files;
    std::function<std::string(const Workbench&)> digest_now;  // the key's context_digest as it is when asked
    std::shared_ptr<TempDir> folder;                          // that they lie in, where it was made for this run
};

[[nodiscard]] std::vector<layer::ContextFile> context_files(const spec::ContextTree& tree);

// Locks name such a base "envbuild.invalid/own-base" with its digest: which registry holds it is no part of a lock.
inline constexpr std::string_view kOwnBaseName = "envbuild.invalid/own-base";

// What is said of a base to people: such a name means nothing to them.
[[nodiscard]] std::string describe_base(const oci::Reference& name);

enum class Reuse : std::uint8_t { Kept, BuiltAgain };

// Finds or builds it in `repository`. Throws Error: BuildFailed with the failing step, Transient or Io without an
// engine, what the repository throws.
[[nodiscard]] ResolvedBase own_base(const OwnContext& context, const conda::Platform& platform, Reuse reuse, Look look,
                                    const std::shared_ptr<cache::ImageRepository>& repository, const Workbench& bench,
                                    Stages& stages);
// One that a lock names. NotFound where the repository does not hold it.
[[nodiscard]] ResolvedBase find_own_base(const Digest& digest, const conda::Platform& platform, Look look,
                                         const std::shared_ptr<cache::ImageRepository>& repository,
                                         const Workbench& bench);

}  // namespace envbuild::build
