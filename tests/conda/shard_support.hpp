// Shards of a channel as a server has them (CEP 16), made of JSON with the library's own encoder.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace envbuild::testing {

// MessagePack of the JSON. "sha256" and "md5" of records become bytes, and so does every value of "shards".
std::string msgpack(std::string_view json);

struct ServedShards {
    std::string index;                          // repodata_shards.msgpack.zst
    std::map<std::string, std::string> shards;  // "<sha256>.msgpack.zst" -> bytes
};
// name -> its shard as JSON ({"packages.conda": …}).
ServedShards served_shards(const std::map<std::string, std::string>& shards, const std::string& base_url = "",
                           const std::string& shards_base_url = "./shards/");

}  // namespace envbuild::testing
