// Definition: an environment as Azure ML's users know it (docs/azure-ml.md): what azureml_environment.json, a v2 YAML
// file or a curated entry says, with the files that it names beside it in one directory.
//
// A definition is a directory: azureml_environment.json, conda_dependencies.yml, BaseDockerfile, and whatever local
// files these name. Reading one and saving one are each other's reverse; fields that envbuild does not know are kept.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/diagnostic.hpp"
#include "base/json.hpp"
#include "base/secret.hpp"
#include "conda/platform.hpp"
#include "spec/environment_spec.hpp"

namespace envbuild::spec {

inline constexpr std::string_view kDefinitionFile = "azureml_environment.json";
inline constexpr std::string_view kCondaFile = "conda_dependencies.yml";
inline constexpr std::string_view kDockerfileName = "BaseDockerfile";

// What the image stands on. At most one of the three is set; none means the catalogue's choice.
struct DefinitionBase {
    std::string image;       // docker.baseImage, v2 `image`
    std::string dockerfile;  // the text of BaseDockerfile; it has no files beside it
    std::string context;     // a build context: a path relative to the directory, or a git URL ("https://…#ref:subdir")
    std::string context_dockerfile = "Dockerfile";  // relative to the context
    auto operator<=>(const DefinitionBase&) const = default;
};

struct Definition {
    std::string name, version;  // "" where not registered
    std::string description;
    std::map<std::string, std::string> tags;
    std::map<std::string, std::string> variables;  // environmentVariables
    DefinitionBase base;
    bool user_managed = false;  // python.userManagedDependencies: the image is the base, nothing is installed
    std::string interpreter = "python";
    std::string conda_file;              // relative to the directory; "" for none
    std::string platform;                // conda subdir; "" for the default
    std::string shm_size;                // docker.shmSize, "2g"
    std::vector<std::string> arguments;  // docker.arguments, of `docker run`
    GpuAsk gpu;                          // under "envbuild" in the JSON: Azure ML has no such field
    Json document;  // every field as it was read, in its order: what a save starts from; null where there was none
};

struct DefinitionRead {
    Definition definition;
    std::filesystem::path directory;   // that relative paths start from
    std::string file;                  // for messages
    std::vector<Diagnostic> warnings;  // unknown keys, fields without effect here
    // docker.baseImageRegistry's: for the wire only, never saved (address, user, password).
    struct RegistryLogin {
        std::string address;
        std::string user;
        Secret password;
    };
    std::vector<RegistryLogin> logins;
};

// Whether `path` is something that read_definition takes: a directory with azureml_environment.json or a v2 environment
// YAML, such a file itself.
[[nodiscard]] bool is_definition(const std::filesystem::path& path);

// `path`: a directory as save_to_directory writes it, azureml_environment.json, or a v2 environment YAML (its
// `conda_file` may be a path or the inline mapping; `build` a context). Throws Error: InvalidInput with
// file:line:column (exclusive fields together, wrong types, a path that escapes the directory), NotFound, Io.
[[nodiscard]] DefinitionRead read_definition(const std::filesystem::path& path);
// The JSON form with its parts in memory.
[[nodiscard]] DefinitionRead parse_definition_json(std::string_view bytes, const std::string& file,
                                                   const std::filesystem::path& directory);
[[nodiscard]] DefinitionRead parse_definition_yaml(std::string_view bytes, const std::string& file,
                                                   const std::filesystem::path& directory);

// All fields in the SDK's order, what is in `document` and unknown kept after them. Indent 4 is the caller's.
[[nodiscard]] Json to_json(const Definition& definition);

// Writes the directory whole or not at all: azureml_environment.json, conda_dependencies.yml (the bytes of `source`/
// conda_file), BaseDockerfile, and every local file that they name (requirement files, wheels, source trees, the build
// context). `source` is where the definition's relative paths start. InvalidInput where `target` exists and !overwrite.
void save_definition(const Definition& definition, const std::filesystem::path& source,
                     const std::filesystem::path& target, bool overwrite);

// "AzureML-PyTorch-1.6-GPU": letters, digits, '-', '_', '.', begins with a letter or digit, at most 255. InvalidInput.
[[nodiscard]] Expected<std::string> check_name(std::string_view name);

}  // namespace envbuild::spec
