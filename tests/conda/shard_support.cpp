#include "conda/shard_support.hpp"

#include <msgpack.h>

#include "base/digest.hpp"
#include "support/tar_writer.hpp"

namespace envbuild::testing {

namespace {

std::string bytes_of(const std::string& hex) {
    std::string bytes;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
        bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
    return bytes;
}

void pack(msgpack_packer& packer, const Json& value, bool as_bytes) {
    if (value.is_bool()) {
        value.as_bool() ? msgpack_pack_true(&packer) : msgpack_pack_false(&packer);
    } else if (value.is_int()) {
        msgpack_pack_int64(&packer, value.as_int());
    } else if (value.is_number()) {
        msgpack_pack_double(&packer, value.as_double());
    } else if (value.is_string()) {
        const auto text = as_bytes ? bytes_of(value.as_string()) : value.as_string();
        as_bytes ? msgpack_pack_bin(&packer, text.size()) : msgpack_pack_str(&packer, text.size());
        as_bytes ? msgpack_pack_bin_body(&packer, text.data(), text.size())
                 : msgpack_pack_str_body(&packer, text.data(), text.size());
    } else if (value.is_array()) {
        msgpack_pack_array(&packer, value.as_array().size());
        for (const auto& item : value.as_array()) pack(packer, item, as_bytes);
    } else if (value.is_object()) {
        msgpack_pack_map(&packer, value.as_object().size());
        for (const auto& [key, member] : value.as_object()) {
            pack(packer, Json(key), false);
            pack(packer, member, as_bytes || key == "sha256" || key == "md5" || key == "shards");
        }
    } else {
        msgpack_pack_nil(&packer);
    }
}

}  // namespace

std::string msgpack(const Json& value) {
    msgpack_sbuffer buffer;
    msgpack_sbuffer_init(&buffer);
    msgpack_packer packer;
    msgpack_packer_init(&packer, &buffer, msgpack_sbuffer_write);
    pack(packer, value, false);
    std::string bytes(buffer.data, buffer.size);
    msgpack_sbuffer_destroy(&buffer);
    return bytes;
}

ServedShards served_shards(const std::map<std::string, std::string>& shards, const std::string& base_url,
                           const std::string& shards_base_url) {
    ServedShards served;
    Json digests = Json::object();
    for (const auto& [name, json] : shards) {
        const auto bytes = zstd(msgpack(*Json::parse(json)));
        const auto digest = sha256(bytes).hex();
        served.shards[digest + ".msgpack.zst"] = bytes;
        digests.set(name, digest);
    }
    Json info = Json::object();
    info.set("subdir", "linux-64").set("shards_base_url", shards_base_url).set("created_at", "2026-01-01T00:00:00Z");
    if (!base_url.empty()) info.set("base_url", base_url);
    Json index = Json::object();
    index.set("version", 1).set("info", std::move(info)).set("shards", std::move(digests));
    served.index = zstd(msgpack(index));
    return served;
}

}  // namespace envbuild::testing
