// Sharded repodata as it is served (CEP 16): the index of a subdir, and the shard of one name. Internal to conda/.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.hpp"
#include "base/error.hpp"

namespace envbuild::conda {

struct ShardIndex {
    std::string subdir;           // that it says it is of, "" where absent
    std::string base_url;         // of the archives, "" where absent; may be relative to the index
    std::string shards_base_url;  // of the shards; may be relative to the index
    std::map<std::string, Digest, std::less<>>
        shards;  // name -> sha256 of the shard as it is served; what no package can be called is left out
};

struct Shard {
    std::string repodata;            // the same as a repodata.json, with info.base_url as given
    std::vector<std::string> needs;  // names in any record's "depends", sorted, each once
};

// Both take MessagePack, decompressed. Error(Corrupt), with "<shown>: reason", where it is not what CEP 16 says; an
// index of a version other than 1 too. Unknown keys are passed over.
[[nodiscard]] ShardIndex decode_shard_index(std::string_view bytes, std::string_view shown);
[[nodiscard]] Shard decode_shard(std::string_view bytes, std::string_view base_url, std::string_view shown);

}  // namespace envbuild::conda
