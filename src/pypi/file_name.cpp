#include "pypi/file_name.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/shown.hpp"
#include "base/strings.hpp"
#include "pypi/requirement_line.hpp"

namespace envbuild::pypi {

namespace {

constexpr std::size_t kMaxTags = 4096;  // that a compressed set may stand for
constexpr std::array<std::string_view, 8> kSdistEndings = {".tar.gz", ".zip",    ".tgz", ".tar.bz2",
                                                           ".tbz",    ".tar.xz", ".txz", ".tar"};

bool is_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

std::unexpected<Error> refuse(std::string_view file_name, std::string_view reason) {
    return fail(ErrorKind::InvalidInput, fmt::format("'{}' is no wheel's name: {}", shown(file_name), reason));
}

// One part of the tag; empty where it is malformed.
std::vector<std::string> members(std::string_view part) {
    std::vector<std::string> out;
    for (const auto member : split(part, '.')) {
        if (member.empty() || !std::ranges::all_of(member, is_word)) return {};
        out.push_back(to_lower(member));
    }
    return out;
}

}  // namespace

std::strong_ordering BuildTag::operator<=>(const BuildTag& other) const {
    if (const auto order = present <=> other.present; order != 0) return order;
    if (const auto order = number <=> other.number; order != 0) return order;
    return rest <=> other.rest;
}

Expected<WheelName> WheelName::parse(std::string_view file_name) {
    constexpr std::string_view kEnding = ".whl";
    if (!file_name.ends_with(kEnding)) return refuse(file_name, "it does not end in .whl");
    const auto parts = split(file_name.substr(0, file_name.size() - kEnding.size()), '-');
    if (parts.size() != 5 && parts.size() != 6)
        return refuse(file_name, "it is not name-version-python-abi-platform.whl");
    if (parts[0].empty() || parts[0].find("__") != std::string_view::npos ||
        !std::ranges::all_of(parts[0], [](char c) { return is_word(c) || c == '.'; })) {
        return refuse(file_name, "the name is malformed");
    }
    auto version = Pep440Version::parse(parts[1]);
    if (!version) return refuse(file_name, version.error().message());
    WheelName wheel{normalize_name(parts[0]), std::move(*version), {}, {}, {}, {}};
    if (parts.size() == 6) {
        const char* const begin = parts[2].data();
        const char* const end = begin + parts[2].size();
        const auto number = std::from_chars(begin, end, wheel.build.number);
        if (number.ec != std::errc() || !std::ranges::all_of(parts[2], [](char c) { return is_word(c) || c == '.'; }))
            return refuse(file_name, "a build tag begins with a number");
        wheel.build.rest.assign(number.ptr, end);
        wheel.build.present = true;
    }
    const std::size_t tag = parts.size() - 3;
    wheel.interpreters = members(parts[tag]);
    wheel.abis = members(parts[tag + 1]);
    wheel.platforms = members(parts[tag + 2]);
    const std::size_t count = wheel.interpreters.size() * wheel.abis.size() * wheel.platforms.size();
    if (count == 0) return refuse(file_name, "a part of the tag is malformed");
    if (count > kMaxTags) return refuse(file_name, fmt::format("it has {} tags", count));
    return wheel;
}

std::optional<std::size_t> WheelName::rank(const TagSet& tags) const {
    std::optional<std::size_t> best;
    for (const auto& interpreter : interpreters) {
        for (const auto& abi : abis) {
            for (const auto& platform : platforms) {
                const auto rank = tags.rank(interpreter, abi, platform);
                if (rank && (!best || *rank < *best)) best = rank;
            }
        }
    }
    return best;
}

std::string WheelName::tag() const {
    return join(interpreters, ".") + "-" + join(abis, ".") + "-" + join(platforms, ".");
}

Expected<SdistName> SdistName::parse(std::string_view file_name, std::string_view name) {
    const std::string lower = to_lower(file_name);
    const auto ending = std::ranges::find_if(kSdistEndings, [&](std::string_view e) { return lower.ends_with(e); });
    if (ending == kSdistEndings.end()) {
        return fail(ErrorKind::InvalidInput, fmt::format("'{}' is no source archive's name", shown(file_name)));
    }
    const auto stem = file_name.substr(0, file_name.size() - ending->size());
    for (std::size_t dash = stem.find('-'); dash != std::string_view::npos; dash = stem.find('-', dash + 1)) {
        if (normalize_name(stem.substr(0, dash)) != name) continue;
        if (auto version = Pep440Version::parse(stem.substr(dash + 1)))
            return SdistName{std::string(name), std::move(*version)};
    }
    return fail(ErrorKind::InvalidInput,
                fmt::format("'{}' is not {}-VERSION{}", shown(file_name), name, std::string(*ending)));
}

}  // namespace envbuild::pypi
