// The pass over a repodata.json written down plainly, with simdjson over all of the text: what the scanner of
// conda/repodata_scan.hpp is held against.
#pragma once

#include <string>
#include <string_view>

#include "conda/repodata_scan.hpp"

namespace envbuild::testing {

// Error(Corrupt) where it is no repodata.
[[nodiscard]] conda::RepoDataScan plain_scan(std::string_view text);
// All of a scan.
[[nodiscard]] std::string described(const conda::RepoDataScan& scan);

}  // namespace envbuild::testing
