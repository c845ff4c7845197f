// A channel's repodata as the solver's source of records.
#pragma once

#include <vector>

#include "conda/repodata_fetcher.hpp"
#include "solve/candidates.hpp"

namespace envbuild::solve {

// The channels in their order; the sources share the repodata.
[[nodiscard]] std::vector<ChannelSource> channel_sources(const std::vector<conda::FetchedChannel>& channels);

}  // namespace envbuild::solve
