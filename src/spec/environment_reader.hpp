// Reads what users have: conda environment files and requirements files, into an EnvironmentSpec
// (docs/environment-file.md).
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/cancel.hpp"
#include "base/diagnostic.hpp"
#include "base/process_env.hpp"
#include "base/url.hpp"
#include "conda/channel.hpp"
#include "conda/platform.hpp"
#include "spec/environment_spec.hpp"
#include "spec/source_access.hpp"

namespace envbuild::spec {

// What a file turned out to be. All but the first two are recognised only to be named in the refusal.
enum class FileKind : std::uint8_t {
    CondaEnvironment,
    Requirements,
    MlflowPythonEnv,
    AzureMlAsset,
    DockerCompose,
    CondaLock,
    PixiManifest,
    PixiLock,
    AnacondaProject,
    MultiDocument,
    ExplicitList,
    PyProject,
    Dockerfile,
    CondaRecipe,
    Unknown,
};
[[nodiscard]] std::string_view describe(FileKind kind);  // "a conda environment file"

// A pin as it is written, with the place that it is written at: "/home/me/.condarc", "--pin".
struct WrittenPin {
    std::string text, origin;
    auto operator<=>(const WrittenPin&) const = default;
};

// What was asked beside the file. All of it counts for the hash where it says something.
struct ReadOptions {
    conda::Platform platform;                      // --platform
    std::vector<std::string> channels;             // --channel: before the file's own, in the order given
    std::map<std::string, std::string> variables;  // --env K=V: win over the file's
    std::string base_image;                        // --base
    GpuAsk gpu;
    std::map<std::string, std::string> overrides;  // CONDA_OVERRIDE_*: as EnvironmentSpec has them
    std::string channel_priority;                  // where it is not strict
    std::vector<WrittenPin> pins;                  // --pin, and those of .condarc
    std::string python;                            // --python: of a bare requirements file; else an error
    ProcessEnv env;                                // for ${VAR}
    conda::ChannelSettings channel_settings;
    std::vector<std::string> index_urls = {"https://pypi.org/simple"};  // where the file names no --index-url
    const SourceAccess* sources = nullptr;                              // disk_sources() where null
    CancelToken cancel;                                                 // ends the wait for standard input
};

struct ReadResult {
    EnvironmentSpec spec;
    FileKind kind = FileKind::CondaEnvironment;
    std::vector<Diagnostic> warnings;
    std::vector<Url> credentials;        // every channel and index URL that carried user information or a token
    std::vector<std::string> platforms;  // what the file's `platforms:` lists; empty where it has none
    std::string file;                    // the name used in messages
};

// `path` is a file, or "-" for standard input. Throws Error: NotFound, Io, Cancelled, InvalidInput. The latter is the
// first thing that is wrong with the file, at its place, and says how many more there are.
[[nodiscard]] ReadResult read_environment(const std::filesystem::path& path, const ReadOptions& options);

// The same over bytes in memory; `file` names them in messages and decides by its ending what they are taken for;
// relative paths in the text are looked up from `directory`.
[[nodiscard]] ReadResult read_environment_text(std::string_view bytes, const std::string& file,
                                               const std::filesystem::path& directory, const ReadOptions& options);

}  // namespace envbuild::spec
