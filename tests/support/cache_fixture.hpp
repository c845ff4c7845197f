// A small image to publish, and an embedded store or a fake registry to publish it into.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cache/image_repository.hpp"
#include "cache/lookup.hpp"
#include "cache/pointer.hpp"
#include "cache/publish.hpp"
#include "support/registry_run.hpp"

namespace envbuild::testing {

inline cache::PublishRequest small_image(const Digest& lock, std::optional<Digest> spec,
                                         const std::vector<std::string>& layers = {"base", "packages", "top"}) {
    cache::PublishRequest request;
    request.lock_hash = lock;
    request.spec_hash = spec;
    std::vector<std::string> ids;
    for (const auto& layer : layers) {
        ids.push_back(sha256(layer).to_string());
        request.layers.push_back(
            {oci::describe(oci::media_type::kLayer, layer), oci::bytes_source(layer), std::nullopt});
    }
    Json rootfs = Json::object();
    rootfs.set("type", "layers").set("diff_ids", ids);
    Json config = Json::object();
    config.set("architecture", "amd64").set("os", "linux").set("rootfs", rootfs);
    request.config = oci::ImageConfig::from_json(config);
    return request;
}

inline const cache::Hit& hit_of(const cache::LookupResult& result) {
    if (const auto* miss = std::get_if<cache::Miss>(&result)) throw std::runtime_error("a miss: " + miss->warning);
    if (const auto* unknown = std::get_if<cache::Unknown>(&result))
        throw std::runtime_error("unknown: " + unknown->error.to_string());
    return std::get<cache::Hit>(result);
}

}  // namespace envbuild::testing
