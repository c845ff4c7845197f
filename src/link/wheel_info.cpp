#include "link/wheel_info.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <unordered_map>

#include "base/shown.hpp"
#include "base/strings.hpp"

namespace envbuild::link {

namespace {

// The value of a header before the first blank line (RFC 822 as email.parser reads it). Nothing where it is absent;
// Corrupt where it comes twice.
Expected<std::optional<std::string>> header(std::string_view text, std::string_view file, std::string_view wanted) {
    std::optional<std::string> found;
    for (std::string_view line : split(text, '\n')) {
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (line.empty()) break;
        const auto colon = line.find(':');
        if (colon == std::string_view::npos || to_lower(line.substr(0, colon)) != to_lower(wanted)) continue;
        if (found) return fail(ErrorKind::Corrupt, fmt::format("{} has several lines '{}'", file, wanted));
        found = trim(line.substr(colon + 1));
    }
    return found;
}

}  // namespace

Expected<void> check_wheel_file(std::string_view text) {
    const auto version = header(text, "WHEEL", "Wheel-Version");
    if (!version) return std::unexpected(version.error());
    if (!*version) return fail(ErrorKind::Corrupt, "WHEEL has no Wheel-Version");
    const std::string& number = **version;
    if (!number.starts_with("1.") || number.find_first_not_of("0123456789", 2) != std::string::npos || number == "1.")
        return fail(ErrorKind::Corrupt, fmt::format("it is of wheel version {}, and 1.x is known", shown(number)));
    const auto purelib = header(text, "WHEEL", "Root-Is-Purelib");
    if (!purelib) return std::unexpected(purelib.error());
    const std::string word = to_lower(purelib->value_or("false"));
    if (word != "true" && word != "false")
        return fail(ErrorKind::Corrupt, "WHEEL has a Root-Is-Purelib that is neither true nor false");
    return {};
}

Expected<ProjectNames> parse_project_names(std::string_view text) {
    ProjectNames names;
    for (const auto& [wanted, place] : {std::pair{"Name", &names.name}, {"Version", &names.version}}) {
        auto value = header(text, "METADATA", wanted);
        if (!value) return std::unexpected(value.error());
        if (value->value_or("").empty()) return fail(ErrorKind::Corrupt, fmt::format("METADATA has no {}", wanted));
        *place = std::move(**value);
    }
    return names;
}

Expected<std::vector<conda::EntryPoint>> parse_entry_points(std::string_view text) {
    std::vector<conda::EntryPoint> points;
    std::unordered_map<std::string, std::size_t> known;  // by command
    bool wanted = false;
    for (std::string_view line : split(text, '\n')) {
        line = trim(line);
        if (line.empty() || line.starts_with('#') || line.starts_with(';')) continue;
        if (line.starts_with('[') && line.ends_with(']')) {
            const auto section = trim(line.substr(1, line.size() - 2));
            wanted = section == "console_scripts" || section == "gui_scripts";
            continue;
        }
        if (!wanted) continue;
        auto point = conda::EntryPoint::parse(line);
        if (!point) return fail(ErrorKind::Corrupt, fmt::format("entry_points.txt: {}", point.error().message()));
        const auto [other, fresh] = known.try_emplace(point->command, points.size());
        if (fresh) {
            points.push_back(std::move(*point));
        } else if (points[other->second] != *point) {
            return fail(ErrorKind::Corrupt, fmt::format("entry_points.txt: {} stands for two things", point->command));
        }
    }
    return points;
}

}  // namespace envbuild::link
