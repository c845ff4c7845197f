#include "spec/definition_support.hpp"

namespace envbuild::spec::test {

std::map<std::string, std::string> tree_of(const fs::path& root) {
    std::map<std::string, std::string> out;
    for (const auto& entry : fs::recursive_directory_iterator(root)) {
        const auto status = entry.symlink_status();
        std::string path = entry.path().lexically_relative(root).generic_string();
        if (fs::is_symlink(status)) {
            out[path] = "-> " + fs::read_symlink(entry.path()).string();
        } else if (fs::is_regular_file(status)) {
            if ((status.permissions() & fs::perms::owner_exec) != fs::perms::none) path += "*";
            out[path] = read_file(entry.path());
        } else if (fs::is_directory(status) && fs::is_empty(entry.path())) {
            out[path + "/"] = "";
        }
    }
    return out;
}

std::string full_json() {
    return R"({
    "name": "AzureML-PyTorch-1.6-GPU",
    "version": "44",
    "environmentVariables": {
        "EXAMPLE_ENV_VAR": "EXAMPLE_VALUE",
        "A_SECOND": "3.10"
    },
    "python": {
        "userManagedDependencies": false,
        "interpreterPath": "python",
        "condaDependenciesFile": null,
        "baseCondaEnvironment": null
    },
    "docker": {
        "enabled": true,
        "baseImage": "mcr.microsoft.com/azureml/openmpi3.1.2-cuda10.1-cudnn7-ubuntu18.04:20200821.v1",
        "buildContext": null,
        "sharedVolumes": true,
        "shmSize": "2g",
        "arguments": [
            "--ulimit",
            "memlock=-1"
        ],
        "baseImageRegistry": {
            "address": "viennaglobal.azurecr.io",
            "username": null,
            "password": null,
            "registryIdentity": null
        },
        "platform": {
            "os": "Linux",
            "architecture": "amd64"
        },
        "gpuSupport": true
    },
    "spark": {
        "repositories": [],
        "packages": [],
        "precachePackages": true,
        "sparkVersion": "2.4"
    },
    "databricks": {
        "mavenLibraries": [],
        "pypiLibraries": [],
        "rcranLibraries": [],
        "jarLibraries": [],
        "eggLibraries": []
    },
    "r": null,
    "inferencingStackVersion": null,
    "assetId": "azureml://registries/azureml/environments/AzureML-PyTorch-1.6-GPU/versions/44",
    "somethingNew": {
        "depth": [
            1,
            2.5,
            {
                "deeper": "\u00fcber"
            }
        ]
    }
})";
}

DefinitionRead read_json(std::string_view json, const fs::path& directory) {
    return parse_definition_json(json, (directory / kDefinitionFile).string(), directory);
}

DefinitionRead read_yaml_definition(std::string_view yaml, const fs::path& directory) {
    return parse_definition_yaml(yaml, (directory / "env.yml").string(), directory);
}

std::string json_refusal(std::string_view json, const fs::path& directory) {
    try {
        static_cast<void>(read_json(json, directory));
        return "taken";
    } catch (const Error& error) {
        return error.to_string();
    }
}

std::string yaml_refusal(std::string_view yaml, const fs::path& directory) {
    try {
        static_cast<void>(read_yaml_definition(yaml, directory));
        return "taken";
    } catch (const Error& error) {
        return error.to_string();
    }
}

std::string warnings_of(const DefinitionRead& read) {
    std::string out;
    for (const auto& warning : read.warnings) out += warning.to_string() + "\n";
    return out;
}

}  // namespace envbuild::spec::test
