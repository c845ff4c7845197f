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
    std::map<std::string, std::vector<conda::PackageRecord>> by_name;
    for (auto& record : records) by_name[record.name].push_back(std::move(record));
    for (auto& [name, own] : by_name) by_name_[name] = std::make_shared<conda::HeldRecords>(std::move(own));
}

std::shared_ptr<const conda::NameRecords> ListedRecords::open(std::string_view name) {
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? nullptr : found->second;
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
    std::unordered_multimap<std::string_view, LazyRecord> seen;  // by file name: URLs are long, and seldom needed
    const auto known = [&](const LazyRecord& record) {
        const auto [begin, end] = seen.equal_range(record.head().file_name);
        const auto found =
            std::find_if(begin, end, [&](const auto& entry) { return entry.second->url == record->url; });
        return found == end ? seen.end() : found;
    };
    // A channel that holds a name goes before the others even where none of its records can be used: what was revoked
    // in a team's channel does not come from a public one instead.
    bool is_held = false;
    for (std::size_t rank = 0; rank < channels_.size(); ++rank) {
        const bool wanted = channel_matches(channel, channels_[rank].url);
        const bool hidden = !wanted || (priority_ == ChannelPriority::Strict && is_held);
        bool holds = false;
        std::vector<Candidate> found;
        for (const auto& source : channels_[rank].sources) {
            const auto records = source->open(name);
            if (!records) continue;
            holds = true;
            if (!hidden) {
                auto left_out = records->left_out();
                if (offer.left_out.count == 0) offer.left_out.first = std::move(left_out.first);
                offer.left_out.count += left_out.count;
            }
            const auto before = found.size();
            const auto shelf = std::make_shared<RecordShelf>(name, records);
            for (std::size_t place = 0; place < records->heads().size(); ++place) {
                LazyRecord record(shelf, place);
                if (const auto same = known(record); same != seen.end()) {
                    const auto own = std::find_if(
                        found.begin() + static_cast<std::ptrdiff_t>(before), found.end(),
                        [&](const auto& candidate) { return &candidate.record.head() == &same->second.head(); });
                    if (own != found.end()) own->record = same->second = std::move(record);
                    continue;
                }
                seen.emplace(record.head().file_name, record);
                found.push_back({std::move(record), static_cast<int>(rank)});
            }
        }
        is_held = is_held || (wanted && holds);
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
