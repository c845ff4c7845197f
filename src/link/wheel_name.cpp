#include "link/wheel_name.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/shown.hpp"
#include "base/strings.hpp"

namespace envbuild::link {

namespace {

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool is_letter(char c) {
    return c >= 'a' && c <= 'z';
}

// PEP 440's other words for the parts of a version.
std::string canonical_word(const std::string& word) {
    if (word == "alpha") return "a";
    if (word == "beta") return "b";
    if (word == "c" || word == "pre" || word == "preview") return "rc";
    if (word == "rev" || word == "r") return "post";
    return word;
}

// 1.0 is 1 (PEP 440), and 1.0a is 1a0.
void drop_zeros(std::vector<std::string>& parts) {
    while (parts.size() > 1 && parts.back() == "0") parts.pop_back();
}

// Numbers and words, without what stands between them.
std::vector<std::string> parts_of(std::string_view version) {
    const std::string text = to_lower(version);
    std::vector<std::string> parts;
    for (std::size_t at = text.starts_with('v') ? 1 : 0; at < text.size();) {
        std::size_t end = at;
        if (is_digit(text[at])) {
            while (end < text.size() && is_digit(text[end])) ++end;
            const std::size_t begin = std::min(text.find_first_not_of('0', at), end - 1);
            parts.push_back(text.substr(begin, end - begin));
        } else if (is_letter(text[at])) {
            while (end < text.size() && is_letter(text[end])) ++end;
            drop_zeros(parts);
            parts.push_back(canonical_word(text.substr(at, end - at)));
        } else {
            ++end;
            // "1.0-1" is 1.0.post1. What stands before a local part may be written in many ways.
            if (text[at] == '-' && end < text.size() && is_digit(text[end])) {
                drop_zeros(parts);
                parts.emplace_back("post");
            }
        }
        at = end;
    }
    drop_zeros(parts);
    return parts;
}

}  // namespace

std::string normalized_project(std::string_view name) {
    std::string out;
    for (const char c : to_lower(name)) {
        const bool dash = c == '-' || c == '_' || c == '.';
        if (dash && out.ends_with('-')) continue;
        out += dash ? '-' : c;
    }
    return out;
}

bool same_version(std::string_view a, std::string_view b) {
    return parts_of(a) == parts_of(b);
}

std::string project_of_metadata(std::string_view entry) {
    for (const std::string_view ending : {".dist-info", ".egg-info"}) {
        if (!entry.ends_with(ending)) continue;
        const auto stem = entry.substr(0, entry.size() - ending.size());
        return normalized_project(stem.substr(0, stem.find('-')));
    }
    return {};
}

Expected<WheelName> WheelName::parse(std::string_view file_name) {
    const auto refuse = [&] {
        return fail(
            ErrorKind::InvalidInput,
            fmt::format("'{}' is no wheel's name of the form name-version-python-abi-platform.whl", shown(file_name)));
    };
    constexpr std::string_view kEnding = ".whl";
    if (!file_name.ends_with(kEnding)) return refuse();
    const auto parts = split(file_name.substr(0, file_name.size() - kEnding.size()), '-');
    if (parts.size() != 5 && parts.size() != 6) return refuse();
    if (std::ranges::any_of(parts, &std::string_view::empty)) return refuse();
    if (parts.size() == 6 && !is_digit(parts[2].front())) return refuse();
    return WheelName{normalized_project(parts[0]), std::string(parts[1])};
}

}  // namespace envbuild::link
