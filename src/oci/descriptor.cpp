#include "oci/descriptor.hpp"

#include <fmt/format.h>

#include "oci/parse.hpp"

namespace envbuild::oci {

namespace {

constexpr std::string_view kWhat = "a descriptor";

Descriptor read_descriptor(const Json& json) {
    if (!json.is_object()) throw Error(ErrorKind::Corrupt, "a descriptor is not a JSON object");
    Descriptor descriptor;
    descriptor.media_type = detail::optional_string(json, "mediaType", kWhat);
    if (descriptor.media_type.empty()) throw Error(ErrorKind::Corrupt, "a descriptor has no mediaType");
    auto digest = Digest::parse(detail::optional_string(json, "digest", kWhat));
    if (!digest) throw Error(ErrorKind::Corrupt, fmt::format("a descriptor's digest: {}", digest.error().message()));
    descriptor.digest = *digest;
    const Json& size = json["size"];
    if (!size.is_int() || size.as_int() < 0)
        throw Error(ErrorKind::Corrupt, "a descriptor's size is not a whole number");
    descriptor.size = static_cast<std::uint64_t>(size.as_int());
    descriptor.annotations = detail::optional_string_map(json, "annotations", kWhat);
    descriptor.artifact_type = detail::optional_string(json, "artifactType", kWhat);
    if (const Json& platform = json["platform"]; platform.is_object()) {
        descriptor.platform = OciPlatform{detail::optional_string(platform, "os", kWhat),
                                          detail::optional_string(platform, "architecture", kWhat),
                                          detail::optional_string(platform, "variant", kWhat)};
    }
    return descriptor;
}

}  // namespace

Expected<Descriptor> Descriptor::from_json(const Json& json) {
    return detail::expected([&] { return read_descriptor(json); });
}

Json Descriptor::to_json() const {
    Json json = Json::object();
    json.set("mediaType", media_type).set("digest", digest.to_string()).set("size", size);
    if (!annotations.empty()) json.set("annotations", detail::to_json(annotations));
    if (platform) {
        Json object = Json::object();
        object.set("architecture", platform->architecture).set("os", platform->os);
        if (!platform->variant.empty()) object.set("variant", platform->variant);
        json.set("platform", std::move(object));
    }
    if (!artifact_type.empty()) json.set("artifactType", artifact_type);
    return json;
}

}  // namespace envbuild::oci
