// RegistrySettings: how registries are reached at this site. A value, passed down.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace envbuild::registry {

struct RegistrySettings {
    // Hosts ("registry.lab", "registry.lab:5000") that may be spoken to over plain http. Loopback hosts always may.
    std::set<std::string> insecure;
    // For reading only: "docker.io" -> {"mirror.lab:5000/dockerhub", …}. docker.io/library/x is then asked for as
    // mirror.lab:5000/dockerhub/library/x, one mirror after the other, and at last at the registry itself.
    std::map<std::string, std::vector<std::string>> mirrors;
    // A folder (mode 0700) where bearer tokens are kept until they expire, each in a file of mode 0600; empty: in
    // memory only.
    std::filesystem::path token_cache;
    // When a registry counts as hanging: no byte moves for so long. After the last byte of an upload it may hash and
    // move gigabytes.
    std::chrono::milliseconds stall_timeout{30000};
    std::chrono::milliseconds upload_stall_timeout{300000};
};

}  // namespace envbuild::registry
