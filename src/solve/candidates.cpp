#include "solve/candidates.hpp"

#include <algorithm>
#include <set>
#include <unordered_map>

#include "base/strings.hpp"

namespace envbuild::solve {

std::string_view to_string(ChannelPriority priority) {
    switch (priority) {
        case ChannelPriority::Strict:
            return "strict";
        case ChannelPriority::Flexible:
            return "flexible";
        case ChannelPriority::Disabled:
            return "disabled";
    }
    return "strict";
}

Expected<ChannelPriority> parse_channel_priority(std::string_view text) {
    if (text == "strict") return ChannelPriority::Strict;
    // conda's .condarc takes a bool of older versions too.
    if (text == "flexible" || text == "true") return ChannelPriority::Flexible;
    if (text == "disabled" || text == "false") return ChannelPriority::Disabled;
    return std::unexpected(Error(ErrorKind::InvalidInput, "channel priority '" + std::string(text) + "' is not known")
                               .with_hint("it is strict, flexible or disabled"));
}

ListedRecords::ListedRecords(std::vector<conda::PackageRecord> records) {
    for (auto& record : records) by_name_[record.name].push_back(std::move(record));
}

std::vector<conda::PackageRecord> ListedRecords::records(std::string_view name) {
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? std::vector<conda::PackageRecord>() : found->second;
}

std::vector<std::string> ListedRecords::names() {
    std::vector<std::string> names;
    for (const auto& entry : by_name_) names.push_back(entry.first);
    return names;
}

bool channel_matches(std::string_view asked, std::string_view canonical_url) {
    // A multichannel ("defaults::numpy") is its channels' URLs.
    if (asked.find('|') != std::string_view::npos) {
        const auto any = split(asked, '|');
        return std::ranges::any_of(any, [&](std::string_view one) { return channel_matches(one, canonical_url); });
    }
    while (asked.ends_with('/')) asked.remove_suffix(1);
    if (asked.empty() || asked == canonical_url) return true;
    if (asked.find("://") != std::string_view::npos || !canonical_url.ends_with(asked)) return false;
    canonical_url.remove_suffix(asked.size());
    return canonical_url.ends_with('/');
}

ChannelCandidates::ChannelCandidates(std::vector<ChannelSource> channels, ChannelPriority priority)
    : channels_(std::move(channels)), priority_(priority) {}

Offer ChannelCandidates::offer(const std::string& name, const std::string& channel) {
    Offer offer;
    std::unordered_multimap<std::string_view, const conda::PackageRecord*> seen;  // by file name: URLs are long
    const auto is_known = [&](const conda::PackageRecord& record) {
        const auto [begin, end] = seen.equal_range(record.file_name);
        return std::any_of(begin, end, [&](const auto& entry) { return entry.second->url == record.url; });
    };
    for (std::size_t rank = 0; rank < channels_.size(); ++rank) {
        const bool wanted = channel_matches(channel, channels_[rank].url);
        const bool hidden = !wanted || (priority_ == ChannelPriority::Strict && !offer.usable.empty());
        std::vector<Candidate> found;
        for (const auto& source : channels_[rank].sources) {
            for (auto& record : source->records(name)) {
                if (record.name != name || is_known(record)) continue;
                auto kept = std::make_shared<const conda::PackageRecord>(std::move(record));
                seen.emplace(kept->file_name, kept.get());
                found.push_back({std::move(kept), static_cast<int>(rank)});
            }
        }
        auto& list = hidden ? offer.hidden : offer.usable;
        std::move(found.begin(), found.end(), std::back_inserter(list));
    }
    return offer;
}

std::vector<std::string> ChannelCandidates::names() {
    std::set<std::string> names;
    for (const auto& channel : channels_) {
        for (const auto& source : channel.sources) {
            for (auto& name : source->names()) names.insert(std::move(name));
        }
    }
    return {names.begin(), names.end()};
}

}  // namespace envbuild::solve
