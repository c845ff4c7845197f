#include "oci/image_index.hpp"

#include <fmt/format.h>

#include "oci/parse.hpp"

namespace envbuild::oci {

namespace {

constexpr std::string_view kWhat = "an image index";

ImageIndex read_index(std::string_view bytes) {
    const Json json = detail::parse_document(bytes, kManifestLimit, kWhat);
    ImageIndex index;
    if (json.int_or("schemaVersion", 0) != 2) throw Error(ErrorKind::Corrupt, "an image index: schemaVersion is not 2");
    if (const auto type = detail::optional_string(json, "mediaType", kWhat); !type.empty()) index.media_type = type;
    if (!is_index_type(index.media_type)) {
        throw Error(ErrorKind::Corrupt, fmt::format("an image index: its media type is {}", index.media_type));
    }
    if (json.find("layers") != nullptr || json.find("config") != nullptr) {
        throw Error(ErrorKind::Corrupt, "an image index: it has a config or layers, as a manifest does");
    }
    index.manifests = detail::descriptors(json, "manifests", kWhat);
    index.annotations = detail::optional_string_map(json, "annotations", kWhat);
    index.artifact_type = detail::optional_string(json, "artifactType", kWhat);
    return index;
}

}  // namespace

Expected<ImageIndex> ImageIndex::parse(std::string_view bytes) {
    return detail::expected([&] { return read_index(bytes); });
}

Json ImageIndex::to_json() const {
    Json json = Json::object();
    json.set("schemaVersion", 2).set("mediaType", media_type);
    if (!artifact_type.empty()) json.set("artifactType", artifact_type);
    Json list = Json::array();
    for (const auto& manifest : manifests) list.push(manifest.to_json());
    json.set("manifests", std::move(list));
    if (!annotations.empty()) json.set("annotations", detail::to_json(annotations));
    return json;
}

const Descriptor* ImageIndex::find(const OciPlatform& platform) const {
    for (const auto& manifest : manifests) {
        if (!is_manifest_type(manifest.media_type) || !manifest.platform) continue;
        const auto& has = *manifest.platform;
        if (has.os != platform.os || has.architecture != platform.architecture) continue;
        if (has.variant.empty() || platform.variant.empty() || has.variant == platform.variant) return &manifest;
    }
    const bool only = manifests.size() == 1 && is_manifest_type(manifests[0].media_type) && !manifests[0].platform;
    return only ? manifests.data() : nullptr;
}

}  // namespace envbuild::oci
