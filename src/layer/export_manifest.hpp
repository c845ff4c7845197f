// The index of an engine's export: which config and which layers make the image. See docker_export.hpp.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/digest.hpp"

namespace envbuild::layer {

struct ExportManifest {
    std::string config;  // bytes
    std::vector<std::string> tags;
    std::vector<std::string> layers;  // paths in the export, bottom first
    std::vector<Digest> diff_ids;     // as the config names them
};

// Reads manifest.json (Docker's image specification v1.2), or where there is none index.json (OCI image layout). `text`
// gives a member's bytes, nothing where there is no such member. Corrupt where something is missing, or there is not
// exactly one image.
[[nodiscard]] ExportManifest read_export_manifest(
    const std::function<std::optional<std::string>(const std::string&)>& text);

}  // namespace envbuild::layer
