// Settings: what a site or a user configures once. From the command line, then ENVBUILD_*, then config.yaml, then
// defaults. docs/configuration.md is written from the same table, and a test holds them together.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/process_env.hpp"
#include "build/condarc.hpp"

namespace envbuild::build {

using UrlMap = std::map<std::string, std::vector<std::string>>;

// A value; made once in cli/ and passed down.
struct Settings {
    std::string registry;            // "host[:port]/repository", "oci:/path", or "" for the embedded store
    std::string curated_repository;  // written as `registry`: where curated names are read; "" for no such place
    std::vector<std::string> channels{"conda-forge"};
    std::string channel_alias;
    UrlMap custom_channels;  // one URL each
    std::vector<std::string> default_channels;
    std::string channel_priority;  // strict | flexible | disabled; "": .condarc's, else strict
    UrlMap channel_mirrors, registry_mirrors, index_mirrors;
    std::vector<std::string> insecure_registries;
    std::string base_cpu, base_gpu;       // in place of the catalogue's defaults; they count as asked (they are hashed)
    std::string target_cuda, target_cpu;  // of the site's nodes, where the command line says nothing
    std::string builder = "auto";         // auto | buildkit | classic
    std::string docker_host;              // in place of DOCKER_HOST
    std::string pip_network = "host";     // the network of the container in which pip chooses: host | default | NAME
    std::string compression_level = "6";  // gzip, 1 to 9
    std::string shm_size = "8g";          // in the command that is printed to run a GPU image
    std::vector<std::string> reserved_prefixes;  // of names, beside AzureML and Microsoft
    bool allow_missing_hashes = false;           // take channel records without sha256
    std::filesystem::path data_dir, cache_dir;   // XDG folders unless set
    std::filesystem::path share_dir;             // where curated/ and templates/ lie

    // conda's settings as this site reads them: its own of channels and their priority over .condarc's.
    [[nodiscard]] Condarc conda_settings(const ProcessEnv& env, std::vector<std::string>& warnings) const;
};

// One row of the documentation.
struct SettingRow {
    std::string_view key;   // in config.yaml; ENVBUILD_<KEY> in the environment
    std::string_view form;  // "text", "list (a,b)", "map (key=url|url,key=url)", "true or false"
    std::string_view description;
};
[[nodiscard]] const std::vector<SettingRow>& setting_rows();

// Reads config.yaml (from $ENVBUILD_CONFIG, else the XDG config folder), then ENVBUILD_* of `env`, then `overrides`
// (key -> text as ENVBUILD_* would hold it). InvalidInput for a value that does not fit, with file:line:column for the
// file's; an unknown key of the file becomes a warning that names the nearest known one.
[[nodiscard]] Settings load_settings(const ProcessEnv& env, const std::map<std::string, std::string>& overrides,
                                     std::vector<std::string>& warnings);

// curated/ and templates/: $ENVBUILD_SHARE_DIR, else ../share/envbuild beside the program, else the source tree it was
// built in.
[[nodiscard]] std::filesystem::path find_share_dir(const ProcessEnv& env);

}  // namespace envbuild::build
