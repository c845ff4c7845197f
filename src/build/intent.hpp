// Intent: what the user typed, read and hashed. The same function serves hash, lookup, lock, build, dockerfile and
// check.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "build/workbench.hpp"
#include "spec/environment_reader.hpp"
#include "spec/lint.hpp"

namespace envbuild::build {

// What the command line says beside the file.
struct IntentOptions {
    std::filesystem::path file;
    std::string platform;
    std::vector<std::string> channels;
    std::map<std::string, std::string> variables;
    std::string base, cuda, target_cuda, target_cpu, python;
    bool gpu = false;
};

struct Intent {
    spec::ReadResult read;
    spec::SpecHash hash;
    [[nodiscard]] const spec::EnvironmentSpec& spec() const { return read.spec; }
};

// Reads and hashes; warns through the reporter; keeps the file's credentials for the wire. Throws as read_environment
// does.
[[nodiscard]] Intent read_intent(const IntentOptions& options, const Workbench& bench);
// For `check`: everything that is wrong, not just the first.
[[nodiscard]] spec::LintReport lint_intent(const IntentOptions& options, const Workbench& bench);

}  // namespace envbuild::build
