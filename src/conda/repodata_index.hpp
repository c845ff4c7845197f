// The first pass over a repodata.json: where each record lies. Internal to conda/.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "conda/json_bytes.hpp"

namespace envbuild::conda {

struct RepoDataIndex {
    // Places in the text: offsets from its start.
    struct Entry {
        std::uint32_t key_offset = 0, json_offset = 0, json_length = 0;
        std::uint16_t key_length = 0;
        [[nodiscard]] std::string_view key(std::string_view text) const { return text.substr(key_offset, key_length); }
        [[nodiscard]] std::string_view json(std::string_view text) const {
            return text.substr(json_offset, json_length);
        }
    };
    std::unordered_map<std::string_view, std::vector<Entry>> names;  // the views point into the text
    std::set<std::string, std::less<>> removed;                      // file names
    std::string base_url;                                            // info.base_url, "" where absent
    std::size_t count = 0;                                           // entries
    std::size_t unusable = 0;                                        // entries that are no objects or have no name
};

// Error(Corrupt), with "<shown>: reason", where the text is no repodata. Text over 4 GiB is refused.
[[nodiscard]] RepoDataIndex index_repodata(const JsonBytes& bytes, std::string_view shown);

}  // namespace envbuild::conda
