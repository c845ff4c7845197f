#include "oci/manifest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "oci/parse.hpp"

namespace envbuild::oci {

namespace {

constexpr std::string_view kWhat = "an image manifest";

Manifest read_manifest(std::string_view bytes) {
    const Json json = detail::parse_document(bytes, kManifestLimit, kWhat);
    Manifest manifest;
    if (json.int_or("schemaVersion", 0) != 2)
        throw Error(ErrorKind::Corrupt, "an image manifest: schemaVersion is not 2");
    // OCI 1.0 lets a manifest leave out its own media type.
    if (const auto type = detail::optional_string(json, "mediaType", kWhat); !type.empty()) manifest.media_type = type;
    if (!is_manifest_type(manifest.media_type)) {
        throw Error(ErrorKind::Corrupt, fmt::format("an image manifest: its media type is {}", manifest.media_type));
    }
    if (json.find("manifests") != nullptr)
        throw Error(ErrorKind::Corrupt, "an image manifest: it lists manifests, as an index does");
    manifest.config = value_or_throw(Descriptor::from_json(json["config"]));
    manifest.layers = detail::descriptors(json, "layers", kWhat);
    manifest.annotations = detail::optional_string_map(json, "annotations", kWhat);
    manifest.artifact_type = detail::optional_string(json, "artifactType", kWhat);
    if (const Json* subject = json.find("subject"); subject != nullptr && !subject->is_null()) {
        manifest.subject = value_or_throw(Descriptor::from_json(*subject));
    }
    return manifest;
}

}  // namespace

Expected<Manifest> Manifest::parse(std::string_view bytes) {
    return detail::expected([&] { return read_manifest(bytes); });
}

Json Manifest::to_json() const {
    Json json = Json::object();
    json.set("schemaVersion", 2).set("mediaType", media_type);
    if (!artifact_type.empty()) json.set("artifactType", artifact_type);
    json.set("config", config.to_json());
    Json list = Json::array();
    for (const auto& layer : layers) list.push(layer.to_json());
    json.set("layers", std::move(list));
    if (subject) json.set("subject", subject->to_json());
    if (!annotations.empty()) json.set("annotations", detail::to_json(annotations));
    return json;
}

std::vector<Descriptor> Manifest::blobs() const {
    std::vector<Descriptor> list;
    std::set<Digest> seen;
    for (const auto& layer : layers) {
        if (seen.insert(layer.digest).second) list.push_back(layer);
    }
    if (seen.insert(config.digest).second) list.push_back(config);
    return list;
}

bool is_manifest_type(std::string_view media_type) {
    return media_type == media_type::kManifest || media_type == media_type::kDockerManifest;
}

bool is_index_type(std::string_view media_type) {
    return media_type == media_type::kIndex || media_type == media_type::kDockerList;
}

Descriptor describe(std::string_view media_type, std::string_view bytes) {
    Descriptor descriptor;
    descriptor.media_type = media_type;
    descriptor.digest = sha256(bytes);
    descriptor.size = bytes.size();
    return descriptor;
}

}  // namespace envbuild::oci
