// Intent: what the user typed, read and hashed. The same function serves hash, lookup, lock, build, dockerfile and
// check.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "build/own_base.hpp"
#include "build/workbench.hpp"
#include "spec/definition.hpp"
#include "spec/environment_reader.hpp"
#include "spec/lint.hpp"

namespace envbuild::build {

// What the command line says beside the environment.
struct IntentOptions {
    std::string environment;  // a file, a directory, "-", or NAME[:VERSION|@LABEL] (build/environment_ref.hpp)
    std::string platform = {};
    std::vector<std::string> channels = {};
    std::map<std::string, std::string> variables = {};
    std::string base = {}, cuda = {}, target_cuda = {}, target_cpu = {}, python = {};
    bool gpu = false;
    std::vector<std::string> pins = {};
    bool ignore_pins = false;     // those of .condarc
    bool one_of_several = false;  // platforms that are asked for together: a CPU of another one is no mistake
};

// What a definition says of how its image is run; no part of the image.
struct RunHints {
    std::string shm_size;                // "2g"; "" for the settings'
    std::vector<std::string> arguments;  // of `docker run`
    std::string command = "python";      // "": the image's own
};

struct Intent {
    spec::ReadResult read;
    spec::SpecHash hash;
    std::optional<OwnContext> own_base;  // where spec().own_base is set
    RunHints run;
    std::shared_ptr<TempDir> folder;  // that its files lie in, where it was made for this run
    std::string label;                // what it was asked for by: "AzureML-PyTorch-1.6-GPU:37", "env.yml"
    [[nodiscard]] const spec::EnvironmentSpec& spec() const { return read.spec; }
};

struct FoundEnvironment;
// Reads and hashes what was found; says nothing to the reporter (the warnings are in the result). Throws as
// read_environment does.
[[nodiscard]] Intent make_intent(const FoundEnvironment& found, const IntentOptions& options, const Workbench& bench);
// Finds what the word means, reads it and hashes it; warns through the reporter; keeps the file's credentials for the
// wire. Throws as read_environment does.
[[nodiscard]] Intent read_intent(const IntentOptions& options, const Workbench& bench);
// One for each of `platforms`; with none given, for each Linux platform that the file lists, for each Linux
// one of `otherwise` where it lists none, or for linux-64. Warns once. Throws as read_intent does.
[[nodiscard]] std::vector<Intent> read_intents(const IntentOptions& options, const std::vector<std::string>& platforms,
                                               const Workbench& bench, const std::vector<std::string>& otherwise = {});
// What the command line says over a definition, as a build reads it: platform, image, CUDA versions, CPU, variables.
// Nothing is looked up. Throws Error: InvalidInput.
void check_options(const IntentOptions& options, const spec::Definition& definition, const Workbench& bench);
// For `check`: everything that is wrong, not just the first.
[[nodiscard]] spec::LintReport lint_intent(const IntentOptions& options, const Workbench& bench);

}  // namespace envbuild::build
