#include "layer/export_manifest.hpp"

#include <fmt/format.h>

#include "base/json.hpp"
#include "oci/descriptor.hpp"

namespace envbuild::layer {

namespace {

using TextOf = std::function<std::optional<std::string>(const std::string&)>;

[[noreturn]] void corrupt(std::string message) {
    throw Error(ErrorKind::Corrupt, std::move(message));
}

std::string need(const TextOf& text, const std::string& path) {
    auto bytes = text(path);
    if (!bytes) corrupt(fmt::format("the engine's export lacks {}", path));
    return std::move(*bytes);
}

Json parse(const std::string& path, const std::string& bytes) {
    auto json = Json::parse(bytes);
    if (!json) throw std::move(json.error()).with_context(fmt::format("while reading {} of the engine's export", path));
    return std::move(*json);
}

std::string blob_path(const Json& descriptor) {
    const auto digest = Digest::parse(descriptor.string_or("digest", ""));
    if (!digest) corrupt("the engine's export has a descriptor without a digest");
    return "blobs/sha256/" + digest->hex();
}

ExportManifest docker_manifest(const TextOf& text, const Json& json) {
    if (json.as_array().size() != 1) {
        corrupt(fmt::format("the engine's export has {} images where one was asked for", json.as_array().size()));
    }
    const Json& image = json.as_array().front();
    ExportManifest manifest;
    manifest.config = need(text, image["Config"].as_string());
    for (const Json& layer : image["Layers"].as_array()) manifest.layers.push_back(layer.as_string());
    if (image["RepoTags"].is_array()) {
        for (const Json& tag : image["RepoTags"].as_array()) manifest.tags.push_back(tag.as_string());
    }
    return manifest;
}

// The image manifests that an index names, through nested indexes; attestations (platform unknown) are none.
void collect(const TextOf& text, const Json& index, int depth, std::vector<Json>& manifests) {
    if (depth > 4) corrupt("the engine's export nests its indexes too deeply");
    for (const Json& descriptor : index["manifests"].as_array()) {
        if (descriptor["platform"].string_or("os", "") == "unknown") continue;
        const auto path = blob_path(descriptor);
        const auto bytes = text(path);
        if (!bytes) continue;  // of a platform that the engine does not hold
        Json json = parse(path, *bytes);
        if (json["manifests"].is_array()) {
            collect(text, json, depth + 1, manifests);
        } else {
            manifests.push_back(std::move(json));
        }
    }
}

ExportManifest oci_manifest(const TextOf& text, const Json& index) {
    std::vector<Json> manifests;
    collect(text, index, 0, manifests);
    if (manifests.size() != 1)
        corrupt(fmt::format("the engine's export has {} images where one was asked for", manifests.size()));
    ExportManifest manifest;
    manifest.config = need(text, blob_path(manifests.front()["config"]));
    for (const Json& layer : manifests.front()["layers"].as_array()) manifest.layers.push_back(blob_path(layer));
    return manifest;
}

}  // namespace

ExportManifest read_export_manifest(const TextOf& text) {
    ExportManifest manifest;
    if (const auto docker = text("manifest.json")) {
        manifest = docker_manifest(text, parse("manifest.json", *docker));
    } else if (const auto oci = text("index.json")) {
        manifest = oci_manifest(text, parse("index.json", *oci));
    } else {
        corrupt("the engine's export has neither manifest.json nor index.json: it is cut short, or no image");
    }
    const Json config = parse("the config", manifest.config);
    for (const Json& diff_id : config["rootfs"]["diff_ids"].as_array()) {
        manifest.diff_ids.push_back(value_or_throw(Digest::parse(diff_id.as_string())));
    }
    return manifest;
}

}  // namespace envbuild::layer
