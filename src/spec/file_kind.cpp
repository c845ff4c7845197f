#include "spec/file_kind.hpp"

#include <algorithm>

#include "base/strings.hpp"

namespace envbuild::spec {

std::string_view describe(FileKind kind) {
    switch (kind) {
        case FileKind::CondaEnvironment:
            return "a conda environment file";
        case FileKind::Requirements:
            return "a pip requirements file";
        case FileKind::MlflowPythonEnv:
            return "MLflow's python_env.yaml";
        case FileKind::AzureMlAsset:
            return "an Azure ML asset";
        case FileKind::DockerCompose:
            return "a Docker Compose file";
        case FileKind::CondaLock:
            return "a conda-lock file";
        case FileKind::PixiManifest:
            return "a pixi manifest";
        case FileKind::PixiLock:
            return "a pixi lock file";
        case FileKind::AnacondaProject:
            return "an anaconda-project file";
        case FileKind::ExplicitList:
            return "conda's list of explicit URLs";
        case FileKind::PyProject:
            return "a pyproject.toml";
        case FileKind::Dockerfile:
            return "a Dockerfile";
        case FileKind::CondaRecipe:
            return "a conda recipe";
        case FileKind::MultiDocument:
            return "a file of several YAML documents";
        case FileKind::Unknown:
            break;
    }
    return "no environment file that envbuild knows";
}

std::string_view advice(FileKind kind) {
    switch (kind) {
        case FileKind::MlflowPythonEnv:
            return "name the conda.yaml beside it, or its requirements.txt with --python VERSION";
        case FileKind::AzureMlAsset:
            return "give its file's name to envbuild build, or name the file that its conda_file or build points to";
        case FileKind::CondaLock:
            return "build it with: envbuild build --lock FILE";
        case FileKind::ExplicitList:
            return "build it with: envbuild build --lock FILE";
        case FileKind::PixiManifest:
        case FileKind::PixiLock:
            return "export it first: pixi project export conda-environment environment.yml";
        case FileKind::AnacondaProject:
            return "put its packages and channels into an environment.yml";
        case FileKind::PyProject:
            return "list what it needs in a requirements.txt or an environment.yml";
        case FileKind::CondaRecipe:
            return "a recipe builds a package; list what to install in an environment.yml";
        case FileKind::DockerCompose:
        case FileKind::Dockerfile:
            return "envbuild writes Dockerfiles itself; name an environment.yml or a requirements.txt";
        case FileKind::MultiDocument:
            return "keep one document";
        default:
            return "an environment file has the keys name, channels and dependencies";
    }
}

namespace {

std::string_view first_word_line(std::string_view text) {
    for (const auto line : split(text, '\n')) {
        const auto bare = trim(line);
        if (!bare.empty() && !bare.starts_with('#')) return bare;
    }
    return "";
}

bool has_line(std::string_view text, std::string_view begin) {
    return text.starts_with(begin) || text.find("\n" + std::string(begin)) != std::string_view::npos;
}

}  // namespace

FileKind kind_of_text(std::string_view text, const std::string& file) {
    const std::string name = to_lower(file.substr(file.rfind('/') + 1));
    if (has_line(text, "@EXPLICIT")) return FileKind::ExplicitList;
    if (name == "pixi.toml") return FileKind::PixiManifest;
    if (name.ends_with(".toml")) return FileKind::PyProject;
    const auto first = first_word_line(text);
    if (name == "dockerfile" || name.ends_with(".dockerfile") || first.starts_with("FROM "))
        return FileKind::Dockerfile;
    if (name.ends_with(".yml") || name.ends_with(".yaml") || name.ends_with(".json") || name.ends_with(".lock"))
        return FileKind::CondaEnvironment;
    // Under any other name the keys of an environment file tell.
    for (const std::string_view key : {"dependencies:", "channels:", "name:", "variables:", "$schema:"}) {
        if (has_line(text, key)) return FileKind::CondaEnvironment;
    }
    return FileKind::Requirements;
}

FileKind kind_of_yaml(const YamlNode& root) {
    if (!root.is_mapping()) return FileKind::Unknown;
    const auto has = [&root](std::string_view key) { return root.find(key) != nullptr; };
    if (has("$schema")) return FileKind::AzureMlAsset;
    if (has("build_dependencies") && has("python")) return FileKind::MlflowPythonEnv;
    if (has("services") && !has("dependencies")) return FileKind::DockerCompose;
    if (has("metadata") && has("package") && has("version")) return FileKind::CondaLock;
    if (has("environments") && has("packages") && has("version")) return FileKind::PixiLock;
    if (has("env_specs")) return FileKind::AnacondaProject;
    if (has("package") && (has("build") || has("requirements") || has("source"))) return FileKind::CondaRecipe;
    if ((has("conda_file") || has("build") || has("image")) && !has("dependencies")) return FileKind::AzureMlAsset;
    for (const std::string_view key : {"dependencies", "channels", "name", "variables", "prefix"}) {
        if (has(key)) return FileKind::CondaEnvironment;
    }
    return FileKind::Unknown;
}

}  // namespace envbuild::spec
