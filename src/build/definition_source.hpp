// A definition made of what a user has: a file, a directory, a name, a conda prefix, an image, a Dockerfile; and what
// is changed of it on the way. What `save` and `register` start from.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "build/environment_ref.hpp"
#include "build/intent.hpp"

namespace envbuild::build {

struct DefinitionEdits {
    IntentOptions intent;    // environment ("" where an image or a Dockerfile is all there is), base, gpu, variables, …
    std::string dockerfile;  // a file: the base is what it makes
    std::string context;     // a folder, or a git URL, with a Dockerfile: the base is what it makes
    std::string context_dockerfile = "Dockerfile";  // in that folder
    bool user_managed = false;                      // nothing is installed on the base
    std::string shm_size;
};

struct DefinitionSource {
    spec::Definition definition;
    std::filesystem::path directory;  // that its relative paths start from
    std::string label;
    std::shared_ptr<TempDir> folder;  // that the directory lies in, where it was made for this run
    std::optional<catalog::VersionEntry> registered;
};

// Throws as find_environment does; InvalidInput for edits that exclude each other and for
// options that a build would refuse.
[[nodiscard]] DefinitionSource definition_source(const DefinitionEdits& edits, const Workbench& bench);

// Writes it as Azure ML's save_to_directory does. Throws as spec::save_definition.
void save(const DefinitionSource& source, const std::filesystem::path& target, bool overwrite,
          const CancelToken& cancel = {});

struct Registration {
    std::string name;
    std::string version;                      // "" for the next
    std::vector<std::string> labels;          // set on the version that comes of it
    std::string description;                  // "" keeps the definition's
    std::map<std::string, std::string> tags;  // over the definition's
};
struct Registered {
    std::string name, version, spec_hash;
    bool is_new = true;  // false: the name had this content already, as this version
};

// Puts it under a name in the team's repository, or in `repository`. Throws Error: InvalidInput for a reserved or
// improper name, and for a version that cannot be had; what the repository throws.
[[nodiscard]] Registered register_definition(const DefinitionSource& source, const Registration& registration,
                                             const Workbench& bench);
[[nodiscard]] Registered register_definition(const DefinitionSource& source, const Registration& registration,
                                             cache::ImageRepository& repository, const Workbench& bench);

}  // namespace envbuild::build
