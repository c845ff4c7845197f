// The local files that a definition is made of: what a copy of it has to hold. Internal to this folder.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/cancel.hpp"
#include "base/process_env.hpp"
#include "pypi/requirements_file.hpp"
#include "spec/definition.hpp"

namespace envbuild::spec {

// One file of a definition's directory to be: bytes in memory, a file to copy, a link, or an empty folder.
struct PlannedFile {
    enum class Kind : std::uint8_t { Bytes, Copy, Link, Folder };
    Kind kind = Kind::Bytes;
    std::string bytes;  // of Link: the target
    std::filesystem::path source;
    std::uint32_t mode = 0644;
};

struct DefinitionFiles {
    Definition definition;                     // with its paths as they will be
    std::map<std::string, PlannedFile> files;  // by path relative to the new directory, without the JSON
    std::vector<std::filesystem::path> texts;  // the requirement and constraint files among them, where they lie now
    std::vector<pypi::Requirements> pip;       // what the pip section says, as far as it could be told
};

// `env` is for ${VAR}; a line with a variable that is not set names no file. Throws Error: InvalidInput for a path that
// leads out of `source`, is `source` itself, is written as an absolute one or hidden by a variable; NotFound,
// Cancelled, Io.
[[nodiscard]] DefinitionFiles plan_definition_files(const Definition& definition, const std::filesystem::path& source,
                                                    const ProcessEnv& env = {}, const CancelToken& cancel = {});

}  // namespace envbuild::spec
