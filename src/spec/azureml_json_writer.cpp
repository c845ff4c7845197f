// azureml_environment.json, as save_to_directory of Azure ML's SDK writes it (docs/azure-ml.md).
#include <algorithm>
#include <array>

#include "base/credential_name.hpp"
#include "base/strings.hpp"
#include "conda/platform.hpp"
#include "spec/azureml_json.hpp"
#include "spec/definition.hpp"

namespace envbuild::spec {

namespace {

using Fields = std::vector<std::pair<std::string, Json>>;

// The fields in the order given, each with the document's value where it has one; then the document's other members.
Json merged(const Json& document, const Fields& fields, const std::vector<std::string>& dropped = {}) {
    Json out = Json::object();
    for (const auto& [key, fallback] : fields) {
        const Json* found = document.find(key);
        out.set(key, found != nullptr ? *found : fallback);
    }
    if (!document.is_object()) return out;
    for (const auto& [key, value] : document.as_object()) {
        if (out.find(key) == nullptr && std::ranges::find(dropped, key) == dropped.end()) out.set(key, value);
    }
    return out;
}

Json text_or_null(const std::string& text) {
    return text.empty() ? Json() : Json(text);
}

// The map in the document's order.
Json texts(const Json& document, const std::map<std::string, std::string>& values) {
    Json out = Json::object();
    if (document.is_object()) {
        for (const auto& [key, value] : document.as_object()) {
            if (const auto found = values.find(key); found != values.end()) out.set(key, found->second);
        }
    }
    for (const auto& [key, value] : values) {
        if (out.find(key) == nullptr) out.set(key, value);
    }
    return out;
}

Json python_json(const Definition& definition, const Json& document) {
    Json out = merged(document,
                      {{"userManagedDependencies", {}},
                       {"interpreterPath", {}},
                       {"condaDependenciesFile", {}},
                       {"baseCondaEnvironment", {}}},
                      {"condaDependencies"});
    out.set("userManagedDependencies", definition.user_managed);
    out.set("interpreterPath", definition.interpreter);
    // The SDK names no file that has the usual name.
    const bool usual = definition.conda_file.empty() || definition.conda_file == kCondaFile;
    const bool said =
        !definition.conda_file.empty() && document.string_or("condaDependenciesFile", "") == definition.conda_file;
    out.set("condaDependenciesFile", usual && !said ? Json() : Json(definition.conda_file));
    return out;
}

Json context_json(const DefinitionBase& base, const Json& document) {
    if (base.context.empty()) return {};
    Json out = merged(document, {{"locationType", {}}, {"location", {}}, {"dockerfilePath", {}}});
    out.set("locationType", base.context_is_git() ? "git" : "local");
    out.set("location", base.context);
    out.set("dockerfilePath", base.context_dockerfile);
    return out;
}

Json registry_json(const Json& document) {
    const Json found = merged(document, {{"address", {}}, {"username", {}}, {"password", {}}});
    Json out = found;
    for (const auto& [key, value] : found.as_object()) {
        if (is_credential_key(key)) out.set(key, Json());
    }
    return out;
}

Json platform_json(const Definition& definition, const Json& document) {
    Json out = merged(document, {{"os", "Linux"}, {"architecture", "amd64"}});
    const auto wanted = conda::Platform::parse(definition.platform.empty() ? "linux-64" : definition.platform);
    const auto there =
        conda::Platform::parse(to_lower(out.string_or("os", "linux") + "/" + out.string_or("architecture", "amd64")));
    if (wanted && (!there || *there != *wanted)) {
        out.set("os", "Linux");
        out.set("architecture", wanted->oci_architecture());
    }
    return out;
}

Json docker_json(const Definition& definition, const Json& document) {
    Json out = merged(document,
                      {{"enabled", false},
                       {"baseImage", {}},
                       {"buildContext", {}},
                       {"sharedVolumes", true},
                       {"shmSize", {}},
                       {"arguments", Json::array()},
                       {"baseImageRegistry", {}},
                       {"platform", {}}},
                      {"baseDockerfile"});
    out.set("baseImage", text_or_null(definition.base.image));
    out.set("buildContext", context_json(definition.base, document["buildContext"]));
    out.set("shmSize", text_or_null(definition.shm_size));
    Json arguments = Json::array();
    for (const auto& argument : definition.arguments) arguments.push(argument);
    out.set("arguments", std::move(arguments));
    out.set("baseImageRegistry", registry_json(document["baseImageRegistry"]));
    out.set("platform", platform_json(definition, document["platform"]));
    return out;
}

// A section that envbuild only keeps. One that is there and no object stays as it is.
Json kept(const Json& document, std::string_view section, const Fields& fields) {
    const Json* found = document.find(section);
    if (found != nullptr && !found->is_object()) return *found;
    return merged(found == nullptr ? Json() : *found, fields);
}

Json envbuild_json(const GpuAsk& gpu, const Json& document) {
    static constexpr std::array<std::string_view, 4> kKeys = {"gpu", "cuda", "targetCuda", "targetCpu"};
    Json out = Json::object();
    if (gpu.wanted) out.set("gpu", true);
    if (!gpu.cuda.empty()) out.set("cuda", gpu.cuda);
    if (!gpu.target_cuda.empty()) out.set("targetCuda", gpu.target_cuda);
    if (!gpu.target_cpu.empty()) out.set("targetCpu", gpu.target_cpu);
    if (document.is_object()) {
        for (const auto& [key, value] : document.as_object()) {
            if (std::ranges::find(kKeys, key) == kKeys.end()) out.set(key, value);
        }
    }
    return out;
}

}  // namespace

std::vector<std::string> known_fields(std::string_view section) {
    if (section == "python")
        return {"userManagedDependencies", "interpreterPath", "condaDependenciesFile", "baseCondaEnvironment",
                "condaDependencies"};
    if (section == "docker")
        return {"enabled", "baseImage", "baseDockerfile", "buildContext",      "sharedVolumes",
                "shmSize", "arguments", "gpuSupport",     "baseImageRegistry", "platform"};
    if (section == "spark") return {"repositories", "packages", "precachePackages"};
    if (section == "databricks")
        return {"mavenLibraries", "pypiLibraries", "rcranLibraries", "jarLibraries", "eggLibraries"};
    return {"name",       "version", "environmentVariables",    "python",  "docker",      "spark",
            "databricks", "r",       "inferencingStackVersion", "assetId", "description", "tags",
            "properties", "envbuild"};
}

bool is_credential_key(std::string_view key) {
    return to_lower(key) == "username" || names_credential(key);
}

Json to_json(const Definition& definition) {
    const Json& document = definition.document;
    Json out = Json::object();
    out.set("name", text_or_null(definition.name));
    out.set("version", text_or_null(definition.version));
    out.set("environmentVariables", texts(document["environmentVariables"], definition.variables));
    out.set("python", python_json(definition, document["python"]));
    out.set("docker", docker_json(definition, document["docker"]));
    out.set("spark", kept(document, "spark",
                          {{"repositories", Json::array()}, {"packages", Json::array()}, {"precachePackages", true}}));
    out.set("databricks", kept(document, "databricks",
                               {{"mavenLibraries", Json::array()},
                                {"pypiLibraries", Json::array()},
                                {"rcranLibraries", Json::array()},
                                {"jarLibraries", Json::array()},
                                {"eggLibraries", Json::array()}}));
    for (const char* key : {"r", "inferencingStackVersion", "assetId"}) out.set(key, document[key]);
    if (!definition.description.empty()) out.set("description", definition.description);
    if (!definition.tags.empty()) out.set("tags", texts(document["tags"], definition.tags));
    if (const Json own = envbuild_json(definition.gpu, document["envbuild"]); !own.as_object().empty())
        out.set("envbuild", own);
    if (!document.is_object()) return out;
    const auto handled = known_fields();
    for (const auto& [key, value] : document.as_object()) {
        if (key == "properties" || std::ranges::find(handled, key) == handled.end()) out.set(key, value);
    }
    return out;
}

}  // namespace envbuild::spec
