// Any bytes are a shard, an index of shards, or Corrupt; a shard that is taken is a repodata.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "conda/repodata.hpp"
#include "conda/shard.hpp"

using namespace envbuild;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    try {
        static_cast<void>(conda::decode_shard_index(bytes, "it"));
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::Corrupt) std::abort();
    }
    try {
        auto shard = conda::decode_shard(bytes, "", "it");
        const auto repodata =
            conda::RepoData::from_bytes(std::move(shard.repodata), {"https://host/ch", "linux-64", "it"});
        for (const auto& name : repodata->names()) static_cast<void>(repodata->records(name));
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::Corrupt) std::abort();
    }
    return 0;
}
