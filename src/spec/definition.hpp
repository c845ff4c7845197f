// Definition: an environment as Azure ML's users know it (docs/azure-ml.md): what azureml_environment.json, a v2 YAML
// file or a curated entry says, with the files that it names beside it in one directory.
//
// A definition is a directory: azureml_environment.json, conda_dependencies.yml, BaseDockerfile, and whatever local
// files these name. Reading one and saving one are each other's reverse; fields that envbuild does not know are kept.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/cancel.hpp"
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

    // The context is a URL, not a folder beside the definition.
    [[nodiscard]] bool context_is_git() const { return context.find("://") != std::string::npos; }
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
    std::string conda_text;              // the YAML itself where it was given inline; conda_file is "" then
    std::string platform;                // conda subdir; "" for the default
    std::string shm_size;                // docker.shmSize, "2g"
    std::vector<std::string> arguments;  // docker.arguments, of `docker run`
    GpuAsk gpu;                          // under "envbuild" in the JSON: Azure ML has no such field
    Json document;  // every field as it was read, without credentials: what a save starts from; null for none
    bool operator==(const Definition&) const = default;
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

// Whether `path` is something that read_definition takes: azureml_environment.json, a v2 environment YAML, or a
// directory that holds one of them. Never throws for what is in the file.
[[nodiscard]] bool is_definition(const std::filesystem::path& path);

// `path`: a directory as save_definition writes it, azureml_environment.json (or the same JSON under another name), or
// a v2 environment YAML (its `conda_file` may be a path or the inline mapping; `build` a context). Of a directory
// without azureml_environment.json the one v2 YAML in it. Throws Error: InvalidInput with file:line:column (exclusive
// fields together, wrong types, a path that escapes the directory or is not there, two v2 files to choose from),
// NotFound, Io.
[[nodiscard]] DefinitionRead read_definition(const std::filesystem::path& path);
// The JSON. Where `file` ends in azureml_environment.json the parts that the SDK keeps beside it are read from
// `directory`: conda_dependencies.yml and BaseDockerfile. InvalidInput, Io.
[[nodiscard]] DefinitionRead parse_definition_json(std::string_view bytes, const std::string& file,
                                                   const std::filesystem::path& directory);
// The v2 YAML. InvalidInput, Io.
[[nodiscard]] DefinitionRead parse_definition_yaml(std::string_view bytes, const std::string& file,
                                                   const std::filesystem::path& directory);

// All fields of the SDK in its order, with its defaults where nothing was said; at each level the fields that envbuild
// does not know follow, as they were read. Without condaDependencies and baseDockerfile, which are files of their own.
// Equal definitions give equal bytes.
[[nodiscard]] Json to_json(const Definition& definition);

// The conda file's bytes, what to call it in messages, and the folder that its relative paths start from.
struct CondaPart {
    std::string bytes, file;
    std::filesystem::path directory;
};
// Nothing where the definition has no conda part. Throws Error: NotFound, InvalidInput, Io.
[[nodiscard]] std::optional<CondaPart> conda_part(const Definition& definition, const std::filesystem::path& directory);

// Writes the directory whole or not at all: azureml_environment.json, conda_dependencies.yml, BaseDockerfile, and every
// local file that they name: requirement files, wheels, source trees (without what they ignore), the build context
// (without what its .dockerignore excludes). `source` is where the definition's relative paths start.
// A conda file in a folder of its own stays there when it names files beside it. A context "." becomes "context".
// InvalidInput where a path leads out of `source`, where `target` exists and !overwrite, and where `target` holds what
// belongs to no definition (an overwrite replaces the whole directory and deletes nothing else); NotFound, Cancelled,
// Io. What a killed save left beside `target` (".tmp-…") goes with the next one there.
void save_definition(const Definition& definition, const std::filesystem::path& source,
                     const std::filesystem::path& target, bool overwrite, const CancelToken& cancel = {});

// "2g", "512m", "1048576": a number of bytes, with b, k, m or g behind it, as `docker run --shm-size` takes it.
// InvalidInput.
[[nodiscard]] Expected<std::string> check_shm_size(std::string_view size);

// "AzureML-PyTorch-1.6-GPU": letters, digits, '-', '_', '.', begins with a letter or digit, at most 255. InvalidInput.
[[nodiscard]] Expected<std::string> check_name(std::string_view name);

}  // namespace envbuild::spec
