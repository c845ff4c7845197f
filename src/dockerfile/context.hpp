// Renders a self-contained build context: the Dockerfile, the static installer, its plan and every package. Whoever has
// the context can build it: no network, no credential, no envbuild. docs/templates.md describes the templates.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/digest.hpp"
#include "dockerfile/templates.hpp"
#include "layer/context_stream.hpp"

namespace envbuild::dockerfile {

// Where the context is in the install stage.
inline constexpr std::string_view kContextRoot = "/envbuild";

struct CachedFile {
    std::string name;            // file name in the context, "numpy-1.24.2-py311h_0.conda"
    std::filesystem::path path;  // on the disk
};

// Everything that decides the context, as plain data.
struct RenderInput {
    std::string base;      // "docker.io/nvidia/cuda@sha256:…": a reference by digest that the engine can pull
    std::string platform;  // "linux/arm64" to say it in FROM; "": the engine's
    std::string prefix = "/opt/env";
    std::map<std::string, std::string> labels;
    std::map<std::string, std::string> env;  // of the image; environment() makes it

    std::vector<std::string> install_command;  // argv of the installer; empty: the default for `prefix`
    std::string install_json;                  // the installer's plan
    std::filesystem::path installer;           // the static envbuild-install binary
    std::vector<CachedFile> packages;          // conda archives and what pip installs

    std::vector<std::string> extra_steps;  // shell lines, each run in the final stage by /bin/sh -c
    // The install stage mounts the context instead of copying it: faster, needs BuildKit. A context that is exported
    // for people leaves it off, so that every builder takes it. The image is the same.
    bool bind_mount = false;
};

struct Context {
    std::vector<layer::ContextFile> files;  // sorted by path
    [[nodiscard]] const std::string& dockerfile() const;
};

// The Dockerfile's text. InvalidInput, naming the label, variable or step, for a value that holds a control character,
// is not UTF-8 or is too long for a Dockerfile's line; for names, prefix or base that are not of the proper form; for a
// template that uses a variable that there is none of.
[[nodiscard]] std::string render_dockerfile(const Templates& templates, const RenderInput& input);
// The whole context. Also InvalidInput for file names that are no plain names, and for two files with one name.
[[nodiscard]] Context render(const Templates& templates, const RenderInput& input);

// What the image's Env gets: PATH with the prefix's bin in front of `base_path` (Docker's default where that is empty),
// CONDA_PREFIX, CONDA_DEFAULT_ENV, then what activation scripts set, then the file's variables, which win.
struct EnvironmentInput {
    std::string prefix = "/opt/env";
    std::string base_path;
    std::map<std::string, std::string> activation;
    std::map<std::string, std::string> variables;
    bool gpu = false;
    std::string nvidia_require_cuda;  // "cuda>=11.8", with gpu
};
[[nodiscard]] std::map<std::string, std::string> environment(const EnvironmentInput& input);

// org.opencontainers.image.base.name and .base.digest (image-spec, annotations.md), dev.envbuild.lock-hash.
[[nodiscard]] std::map<std::string, std::string> standard_labels(std::string_view base_name, const Digest& base_digest,
                                                                 std::string_view lock_hash_hex);

// Writes the context into a folder that a person can `docker build`. Packages are copies of the cache's (which share
// their bytes on disk where the file system can): changing an export changes nothing else. The folder must be absent,
// empty, an earlier export or what is left of one that was broken off, which is replaced; InvalidInput otherwise.
void write_context(const Context& context, const std::filesystem::path& directory);

}  // namespace envbuild::dockerfile
