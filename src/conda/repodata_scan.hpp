// The pass over the text of a repodata.json. Internal to conda/.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "conda/repodata_index.hpp"

namespace envbuild::conda {

struct RepoDataScan {
    std::unordered_map<std::string_view, std::vector<RepoDataIndex::Entry>> names;  // the views point into the text
    std::set<std::string, std::less<>> removed;                                     // file names
    std::string base_url;
    std::size_t count = 0, unusable = 0;
};

// As RepoDataIndex::make.
[[nodiscard]] RepoDataScan scan_repodata(const JsonBytes& bytes, std::string_view shown);

}  // namespace envbuild::conda
