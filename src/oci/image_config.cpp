#include "oci/image_config.hpp"

#include <fmt/format.h>

#include "oci/manifest.hpp"
#include "oci/parse.hpp"

namespace envbuild::oci {

namespace {

constexpr std::string_view kWhat = "an image config";

std::vector<Digest> read_diff_ids(const Json& json) {
    std::vector<Digest> ids;
    for (const auto& text : detail::optional_strings(json["rootfs"], "diff_ids", kWhat)) {
        auto id = Digest::parse(text);
        if (!id) throw Error(ErrorKind::Corrupt, fmt::format("an image config: a diff_id: {}", id.error().message()));
        ids.push_back(*id);
    }
    return ids;
}

}  // namespace

Expected<ImageConfig> ImageConfig::parse(std::string bytes) {
    return detail::expected([&] {
        ImageConfig config;
        config.json_ = detail::parse_document(bytes, kManifestLimit, kWhat);
        config.bytes_ = std::move(bytes);
        config.diff_ids_ = read_diff_ids(config.json_);
        // Read once here so that a member of the wrong type is found now and the accessors below cannot fail later.
        const Json& run = config.json_["config"];
        for (const auto key : {"Env", "Entrypoint", "Cmd"})
            static_cast<void>(detail::optional_strings(run, key, kWhat));
        for (const auto key : {"User", "WorkingDir"}) static_cast<void>(detail::optional_string(run, key, kWhat));
        static_cast<void>(detail::optional_string_map(run, "Labels", kWhat));
        for (const auto key : {"os", "architecture", "variant", "created"}) {
            static_cast<void>(detail::optional_string(config.json_, key, kWhat));
        }
        return config;
    });
}

ImageConfig ImageConfig::from_json(const Json& json) {
    return value_or_throw(parse(json.dump()));
}

Descriptor ImageConfig::descriptor() const {
    return describe(media_type::kConfig, bytes_);
}

OciPlatform ImageConfig::platform() const {
    return {json_.string_or("os", "linux"), json_.string_or("architecture", ""), json_.string_or("variant", "")};
}

std::vector<HistoryEntry> ImageConfig::history() const {
    std::vector<HistoryEntry> entries;
    const Json& list = json_["history"];
    if (!list.is_array()) return entries;
    for (const Json& item : list.as_array()) {
        entries.push_back({item.string_or("created", ""), item.string_or("created_by", ""),
                           item.string_or("author", ""), item.string_or("comment", ""),
                           item.bool_or("empty_layer", false)});
    }
    return entries;
}

std::string ImageConfig::created() const {
    return json_.string_or("created", "");
}

std::vector<std::string> ImageConfig::env() const {
    return detail::optional_strings(json_["config"], "Env", kWhat);
}

std::optional<std::string> ImageConfig::env(std::string_view name) const {
    std::optional<std::string> value;
    for (const auto& entry : env()) {
        if (entry.size() > name.size() && entry.starts_with(name) && entry[name.size()] == '=')
            value = entry.substr(name.size() + 1);
    }
    return value;
}

std::map<std::string, std::string> ImageConfig::labels() const {
    return detail::optional_string_map(json_["config"], "Labels", kWhat);
}
std::vector<std::string> ImageConfig::entrypoint() const {
    return detail::optional_strings(json_["config"], "Entrypoint", kWhat);
}
std::vector<std::string> ImageConfig::cmd() const {
    return detail::optional_strings(json_["config"], "Cmd", kWhat);
}
std::string ImageConfig::user() const {
    return json_["config"].string_or("User", "");
}
std::string ImageConfig::working_dir() const {
    return json_["config"].string_or("WorkingDir", "");
}

}  // namespace envbuild::oci
