// Any bytes are a repodata or Corrupt, and every record of one that is taken can be asked for.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "conda/repodata.hpp"

using namespace envbuild;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    try {
        const auto repodata = conda::RepoData::from_bytes(std::string(reinterpret_cast<const char*>(data), size),
                                                          {"https://host/ch", "linux-64", "it"});
        for (const auto& name : repodata->names()) static_cast<void>(repodata->records(name));
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::Corrupt) std::abort();
    }
    return 0;
}
