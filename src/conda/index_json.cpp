#include "conda/index_json.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/strings.hpp"
#include "conda/paths_json.hpp"

namespace envbuild::conda {

namespace {

std::unexpected<Error> corrupt(std::string message) {
    return fail(ErrorKind::Corrupt, std::move(message));
}

// What may become part of a file name: conda's own alphabet for names, versions and builds, and a little more.
bool good_word(std::string_view word) {
    return !word.empty() && word.size() <= 128 && !word.starts_with('.') && std::ranges::all_of(word, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view("._+-!").find(c) != std::string_view::npos;
    });
}

// "numpy.core.multiarray": identifiers between dots. Bytes over 0x7f are let through: Python takes other letters too.
bool is_dotted_name(std::string_view text) {
    return std::ranges::all_of(split(text, '.'), [](std::string_view part) {
        if (part.empty() || (part[0] >= '0' && part[0] <= '9')) return false;
        return std::ranges::all_of(part, [](char c) {
            return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
                   static_cast<unsigned char>(c) >= 0x80;
        });
    });
}

Expected<std::string> noarch_of(const Json& value) {
    if (value.is_null() || (value.is_bool() && !value.as_bool())) return std::string();
    if (value.is_bool()) return std::string("generic");
    if (value.is_string() && (value.as_string() == "generic" || value.as_string() == "python"))
        return value.as_string();
    return corrupt("noarch is neither generic nor python");
}

}  // namespace

Expected<IndexJson> IndexJson::parse(std::string_view text) {
    auto json = Json::parse(text);
    if (!json) return corrupt(fmt::format("info/index.json: {}", json.error().message()));
    if (!json->is_object()) return corrupt("info/index.json is no JSON object");
    IndexJson index;
    for (const auto& [key, field] :
         {std::pair{"name", &index.name}, {"version", &index.version}, {"build", &index.build}}) {
        const Json& value = (*json)[key];
        if (!value.is_string()) return corrupt(fmt::format("info/index.json has no {}", key));
        *field = value.as_string();
        if (!good_word(*field))
            return corrupt(fmt::format("info/index.json: the {} could not stand in a file name", key));
    }
    index.build_number = json->int_or("build_number", 0);
    index.subdir = json->string_or("subdir", "");
    auto noarch = noarch_of((*json)["noarch"]);
    if (!noarch) return corrupt(fmt::format("info/index.json: {}", noarch.error().message()));
    index.noarch = std::move(*noarch);
    index.python_site_packages_path = json->string_or("python_site_packages_path", "");
    if (!index.python_site_packages_path.empty()) {
        if (const auto reason = bad_path_reason(index.python_site_packages_path)) {
            return corrupt(fmt::format("info/index.json: python_site_packages_path {}", *reason));
        }
    }
    index.document = std::move(*json);
    return index;
}

Expected<EntryPoint> EntryPoint::parse(std::string_view text) {
    const auto complain = [&] {
        return corrupt(
            fmt::format("{} is no entry point of the form `command = module:function`",
                        is_valid_utf8(text) && !has_control_character(text) ? fmt::format("'{}'", text) : "this"));
    };
    const auto equals = text.find('=');
    if (equals == std::string_view::npos) return complain();
    const auto colon = text.find(':', equals);
    if (colon == std::string_view::npos) return complain();
    EntryPoint point;
    point.command = trim(text.substr(0, equals));
    point.module = trim(text.substr(equals + 1, colon - equals - 1));
    std::string_view function = trim(text.substr(colon + 1));
    // "name = module:function [extra]": the extras do not matter once everything is installed.
    if (const auto bracket = function.find('['); bracket != std::string_view::npos)
        function = trim(function.substr(0, bracket));
    point.function = function;
    const bool command = !bad_path_reason(point.command) && point.command.find_first_of("/\\") == std::string::npos &&
                         !has_control_character(point.command) && point.command.find(' ') == std::string::npos;
    if (!command || !is_dotted_name(point.module) || !is_dotted_name(point.function)) return complain();
    return point;
}

Expected<LinkJson> LinkJson::parse(std::string_view text) {
    const auto json = Json::parse(text);
    if (!json) return corrupt(fmt::format("info/link.json: {}", json.error().message()));
    if (!json->is_object()) return corrupt("info/link.json is no JSON object");
    if (json->int_or("package_metadata_version", 1) != 1)
        return corrupt("info/link.json: package_metadata_version is not 1");
    LinkJson link;
    const Json& noarch = (*json)["noarch"];
    if (noarch.is_null()) return link;
    if (!noarch.is_object()) return corrupt("info/link.json: noarch is no object");
    auto type = noarch_of(noarch["type"]);
    if (!type) return corrupt(fmt::format("info/link.json: {}", type.error().message()));
    link.noarch = std::move(*type);
    const Json& points = noarch["entry_points"];
    if (points.is_null()) return link;
    if (!points.is_array()) return corrupt("info/link.json: entry_points is no list");
    for (const Json& item : points.as_array()) {
        if (!item.is_string()) return corrupt("info/link.json: an entry point is no string");
        auto point = EntryPoint::parse(item.as_string());
        if (!point) return corrupt(fmt::format("info/link.json: {}", point.error().message()));
        if (std::ranges::find(link.entry_points, point->command, &EntryPoint::command) != link.entry_points.end()) {
            return corrupt(fmt::format("info/link.json: the entry point {} comes twice", point->command));
        }
        link.entry_points.push_back(std::move(*point));
    }
    return link;
}

}  // namespace envbuild::conda
