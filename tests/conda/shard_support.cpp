#include "conda/shard_support.hpp"

#include <nlohmann/json.hpp>

#include "base/digest.hpp"
#include "support/tar_writer.hpp"

namespace envbuild::testing {

namespace {

void make_bytes(nlohmann::json& value) {
    if (!value.is_string()) return;
    const auto hex = value.get<std::string>();
    nlohmann::json::binary_t bytes;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
        bytes.push_back(static_cast<std::uint8_t>(std::stoi(hex.substr(i, 2), nullptr, 16)));
    value = nlohmann::json::binary(bytes);
}

void make_digests_bytes(nlohmann::json& value) {
    if (!value.is_structured()) return;
    for (auto& [key, member] : value.items()) {
        if (key == "shards" && member.is_object()) {
            for (auto& digest : member) make_bytes(digest);
        } else if (key == "sha256" || key == "md5") {
            make_bytes(member);
        } else {
            make_digests_bytes(member);
        }
    }
}

}  // namespace

std::string msgpack(std::string_view json) {
    auto value = nlohmann::json::parse(json);
    make_digests_bytes(value);
    std::string bytes;
    nlohmann::json::to_msgpack(value, bytes);
    return bytes;
}

ServedShards served_shards(const std::map<std::string, std::string>& shards, const std::string& base_url,
                           const std::string& shards_base_url) {
    ServedShards served;
    nlohmann::json index{
        {"version", 1}, {"info", {{"shards_base_url", shards_base_url}}}, {"shards", nlohmann::json::object()}};
    if (!base_url.empty()) index["info"]["base_url"] = base_url;
    for (const auto& [name, json] : shards) {
        const auto bytes = zstd(msgpack(json));
        const auto digest = sha256(bytes).hex();
        served.shards[digest + ".msgpack.zst"] = bytes;
        index["shards"][name] = digest;
    }
    served.index = zstd(msgpack(index.dump()));
    return served;
}

}  // namespace envbuild::testing
