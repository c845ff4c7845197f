#include <fmt/format.h>

#include <algorithm>

#include "pypi/requirement.hpp"
#include "pypi/specifier.hpp"
#include "vectors/vectors.hpp"

using namespace envbuild::pypi;

namespace envbuild::vectors {

namespace {

void run_versions(const Json& file, Tally& tally) {
    for (const auto& [text, expected] : file["normalized"].as_object()) {
        const auto version = Pep440Version::parse(text);
        tally.check(version && version->to_string() == expected.as_string(), [&] { return text; });
    }
    for (const Json& text : file["invalid"].as_array()) {
        tally.check(!Pep440Version::parse(text.as_string()),
                    [&] { return fmt::format("'{}' is taken", text.as_string()); });
    }
    std::optional<Pep440Version> earlier;
    for (const Json& group : file["ascending_groups_of_equal"].as_array()) {
        const auto first = value_or_throw(Pep440Version::parse(group.as_array().front().as_string()));
        for (const Json& text : group.as_array()) {
            const auto version = value_or_throw(Pep440Version::parse(text.as_string()));
            tally.check(version == first, [&] { return fmt::format("{} != {}", text.as_string(), first.to_string()); });
        }
        if (earlier) tally.check(*earlier < first, [&] { return fmt::format("{} is not later", first.to_string()); });
        earlier = first;
    }
}

void run_specifiers(const Json& file, Tally& tally) {
    for (const Json& row : file["rows"].as_array()) {
        const auto& cells = row.as_array();
        const std::string& text = cells[0].as_string();
        const auto set = SpecifierSet::parse(text);
        // packaging takes "===" alone, which then fits nothing; it is refused here.
        tally.check(set.has_value() || text == "===", [&] { return fmt::format("'{}' is refused", text); });
        const bool contains = set && set->contains(std::string_view(cells[1].as_string()));
        // Without a word on pre-releases, the only version that fits is taken, whatever it is.
        const auto version = Pep440Version::parse(cells[1].as_string());
        const bool chosen = contains && (!version || !set->contains(*version) || set->filter({*version}).size() == 1);
        tally.check(contains == cells[2].as_bool() && chosen == cells[3].as_bool(), [&] { return row.dump(); });
    }
    for (const Json& text : file["invalid"].as_array()) {
        tally.check(!SpecifierSet::parse(text.as_string()),
                    [&] { return fmt::format("'{}' is taken", text.as_string()); });
    }
}

MarkerEnvironment environment_of(const Json& json) {
    MarkerEnvironment out;
    out.implementation_name = json.string_or("implementation_name", "");
    out.implementation_version = json.string_or("implementation_version", "");
    out.os_name = json.string_or("os_name", "");
    out.platform_machine = json.string_or("platform_machine", "");
    out.platform_python_implementation = json.string_or("platform_python_implementation", "");
    out.platform_release = json.string_or("platform_release", "");
    out.platform_system = json.string_or("platform_system", "");
    out.platform_version = json.string_or("platform_version", "");
    out.python_full_version = json.string_or("python_full_version", "");
    out.python_version = json.string_or("python_version", "");
    out.sys_platform = json.string_or("sys_platform", "");
    return out;
}

void run_markers(const Json& file, Tally& tally) {
    const auto& environments = file["environments"].as_array();
    for (const Json& row : file["rows"].as_array()) {
        const auto marker = Marker::parse(row["marker"].as_string());
        tally.check(marker.has_value() == row["ok"].as_bool(), [&] { return row.dump(); });
        if (!marker || !row["ok"].as_bool()) continue;
        for (std::size_t i = 0; i < environments.size(); ++i) {
            const auto holds =
                marker->evaluate(environment_of(environments[i]), environments[i].string_or("extra", ""));
            tally.check(holds && *holds == row["eval"].as_array()[i].as_bool(),
                        [&] { return fmt::format("{} in environment {}", row.dump(), i); });
        }
    }
}

std::string differing_field(const Json& row, const Requirement& requirement) {
    if (requirement.name != normalize_name(row["name"].as_string())) return "name " + requirement.name;
    std::vector<std::string> extras;
    for (const Json& extra : row["extras"].as_array()) extras.push_back(normalize_name(extra.as_string()));
    std::ranges::sort(extras);
    if (requirement.extras != extras) return "extras";
    const auto specifier = SpecifierSet::parse(row["specifier"].as_string());
    if (!specifier || requirement.specifier != *specifier) return "specifier " + requirement.specifier.to_string();
    if ((requirement.url ? requirement.url->to_string() : "") != row.string_or("url", "")) return "url";
    if (requirement.marker.to_string() != row.string_or("marker", ""))
        return "marker " + requirement.marker.to_string();
    return "";
}

void run_requirements(const Json& file, Tally& tally) {
    for (const Json& row : file.as_array()) {
        const auto requirement = Requirement::parse(row["req"].as_string());
        // packaging takes any word for a URL; without a scheme it is refused here.
        const bool no_url = row["url"].is_string() && row["url"].as_string().find("://") == std::string::npos;
        if (!row["ok"].as_bool() || no_url) {
            tally.check(!requirement, [&] { return fmt::format("'{}' is taken", row["req"].as_string()); });
        } else if (!requirement) {
            tally.check(false, [&] { return fmt::format("{}: {}", row.dump(), requirement.error().message()); });
        } else {
            const std::string field = differing_field(row, *requirement);
            tally.check(field.empty(), [&] { return fmt::format("{}: {}", row.dump(), field); });
        }
    }
}

}  // namespace

Runs pypi_runs() {
    return {
        {"pep440_versions.json", run_versions},
        {"pep440_specifiers.json", run_specifiers},
        {"pep508_markers.json", run_markers},
        {"pep508_requirements.json", run_requirements},
    };
}

}  // namespace envbuild::vectors
