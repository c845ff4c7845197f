#include "solve/preference.hpp"

#include <algorithm>
#include <array>

namespace envbuild::solve {

namespace {

// `less` is better: the arguments are swapped where more is better.
template <class T>
std::weak_ordering more_is_better(const T& a, const T& b) {
    return b <=> a;
}

bool is_interpreter(const std::string& name) {
    static constexpr std::array<std::string_view, 4> kInterpreters = {"python", "pypy", "r-base", "perl"};
    return std::find(kInterpreters.begin(), kInterpreters.end(), name) != kInterpreters.end();
}

}  // namespace

std::weak_ordering compare_class(const Candidate& a, const Candidate& b, ChannelPriority priority) {
    if (priority == ChannelPriority::Flexible) {
        if (const auto order = a.channel_rank <=> b.channel_rank; order != 0) return order;
    }
    const auto &x = a.record.head(), &y = b.record.head();
    // Builds of one version mostly share it.
    if (x.version != y.version) {
        if (const auto order = more_is_better(*x.version, *y.version); order != 0) return order;
    }
    if (const auto order = x.track_features <=> y.track_features; order != 0) return order;
    if (const auto order = a.channel_rank <=> b.channel_rank; order != 0) return order;
    return more_is_better(x.build_number, y.build_number);
}

std::weak_ordering compare_candidates(const Candidate& a, const Candidate& b, ChannelPriority priority) {
    if (const auto order = compare_class(a, b, priority); order != 0) return order;
    const auto &x = a.record.head(), &y = b.record.head();
    if (const auto order = more_is_better(x.timestamp, y.timestamp); order != 0) return order;
    const bool new_format_a = x.file_name.ends_with(".conda");
    const bool new_format_b = y.file_name.ends_with(".conda");
    if (new_format_a != new_format_b) return new_format_a ? std::weak_ordering::less : std::weak_ordering::greater;
    if (const auto order = x.build <=> y.build; order != 0) return order;
    return a.record->url <=> b.record->url;
}

std::vector<std::string> order_of_names(std::vector<std::string> names) {
    std::sort(names.begin(), names.end(), [](const auto& a, const auto& b) {
        const bool last_a = is_interpreter(a), last_b = is_interpreter(b);
        return last_a != last_b ? last_b : a < b;
    });
    names.erase(std::unique(names.begin(), names.end()), names.end());
    return names;
}

}  // namespace envbuild::solve
