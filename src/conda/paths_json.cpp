#include "conda/paths_json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "base/json.hpp"
#include "base/strings.hpp"

namespace envbuild::conda {

namespace {

constexpr std::string_view kDefaultPlaceholder = "/opt/anaconda1anaconda2anaconda3";

std::unexpected<Error> corrupt(std::string message) {
    return fail(ErrorKind::Corrupt, std::move(message));
}

std::string shown(std::string_view path) {
    return is_valid_utf8(path) && !has_control_character(path) ? fmt::format("'{}'", path.substr(0, 200))
                                                               : "an unprintable name";
}

bool good_placeholder(std::string_view placeholder) {
    return placeholder.size() > 1 && placeholder.starts_with('/') && !has_control_character(placeholder) &&
           is_valid_utf8(placeholder);
}

Expected<PathRecord> parse_record(const Json& json) {
    if (!json.is_object()) return corrupt("an entry is not an object");
    PathRecord record;
    if (!json["_path"].is_string()) return corrupt("an entry has no _path");
    record.path = json["_path"].as_string();
    const auto complain = [&](std::string_view what) {
        return corrupt(fmt::format("{}: {}", shown(record.path), what));
    };
    if (const auto reason = bad_path_reason(record.path)) return complain(*reason);

    const Json& type = json["path_type"];
    if (!type.is_string()) return complain("has no path_type");
    if (type.as_string() == "hardlink") {
        record.type = PathType::Hardlink;
    } else if (type.as_string() == "softlink") {
        record.type = PathType::Softlink;
    } else if (type.as_string() == "directory") {
        record.type = PathType::Directory;
    } else {
        return complain("has an unknown path_type");
    }

    const Json& placeholder = json["prefix_placeholder"];
    if (!placeholder.is_null()) {
        if (!placeholder.is_string()) return complain("has a prefix_placeholder that is not a string");
        record.prefix_placeholder = placeholder.as_string();
        if (!record.prefix_placeholder.empty() && !good_placeholder(record.prefix_placeholder)) {
            return complain("has a prefix_placeholder that is no absolute path");
        }
    }
    const Json& mode = json["file_mode"];
    if (!mode.is_null()) {
        if (!mode.is_string() || (mode.as_string() != "text" && mode.as_string() != "binary")) {
            return complain("has a file_mode other than text and binary");
        }
        record.file_mode = mode.as_string() == "text" ? FileMode::Text : FileMode::Binary;
    }
    const Json& hash = json["sha256"];
    if (!hash.is_null()) {
        if (!hash.is_string()) return complain("has a sha256 that is not a string");
        const auto digest = Digest::from_hex(hash.as_string());
        if (!digest) return complain(digest.error().message());
        record.sha256 = *digest;
    }
    const Json& size = json["size_in_bytes"];
    if (!size.is_null()) {
        if (!size.is_int() || size.as_int() < 0) return complain("has a size_in_bytes that is no size");
        record.size = static_cast<std::uint64_t>(size.as_int());
    }
    const Json& no_link = json["no_link"];
    if (!no_link.is_null() && !no_link.is_bool()) return complain("has a no_link that is neither true nor false");
    record.no_link = json.bool_or("no_link", false);
    return record;
}

// Fields between blanks; a field in double or single quotes may hold blanks.
Expected<std::vector<std::string>> quoted_fields(std::string_view line) {
    std::vector<std::string> fields;
    for (std::size_t at = 0; at < line.size();) {
        if (line[at] == ' ' || line[at] == '\t') {
            ++at;
            continue;
        }
        const char first = line[at];
        const bool quoted = first == '"' || first == '\'';
        const auto end = quoted ? line.find(first, at + 1) : std::min(line.find_first_of(" \t", at), line.size());
        if (end == std::string_view::npos) return corrupt("info/has_prefix: a quote does not end");
        fields.emplace_back(line.substr(at + (quoted ? 1 : 0), end - at - (quoted ? 1 : 0)));
        at = end + (quoted ? 1 : 0);
    }
    return fields;
}

std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> lines;
    for (const auto line : split(text, '\n')) {
        if (!trim(line).empty()) lines.push_back(trim(line));
    }
    return lines;
}

}  // namespace

std::string_view to_string(PathType type) {
    return type == PathType::Hardlink ? "hardlink" : type == PathType::Softlink ? "softlink" : "directory";
}

std::string_view to_string(FileMode mode) {
    return mode == FileMode::Text ? "text" : "binary";
}

std::optional<std::string> bad_path_reason(std::string_view path) {
    if (path.empty()) return "has no name";
    if (path.size() > 4096) return "has a name over 4096 bytes";
    if (path.find('\0') != std::string_view::npos) return "has a NUL in its name";
    if (!is_valid_utf8(path)) return "has a name that is not UTF-8";
    if (path.starts_with('/')) return "has an absolute name";
    const bool letter = (path[0] >= 'a' && path[0] <= 'z') || (path[0] >= 'A' && path[0] <= 'Z');
    if (letter && path.size() > 1 && path[1] == ':' && (path.size() == 2 || path[2] == '\\' || path[2] == '/')) {
        return "has a name with a drive letter";
    }
    if (path.starts_with("\\\\")) return "has a name with a network share";
    for (const auto component : split(path, '/')) {
        if (component.empty()) return "has a name with an empty component";
        if (component == ".") return "has a name with a '.' component";
        if (component == "..") return "has a name that climbs out with '..'";
        if (component.size() > 255) return "has a name with a component over 255 bytes";
        if (component.starts_with(".wh.")) return "has a name that would be a whiteout in an image layer";
    }
    return std::nullopt;
}

Expected<PathsJson> PathsJson::parse(std::string_view text) {
    const auto json = Json::parse(text);
    if (!json) return corrupt(fmt::format("info/paths.json: {}", json.error().message()));
    if (!json->is_object()) return corrupt("info/paths.json is no JSON object");
    if (json->int_or("paths_version", 0) != 1) return corrupt("info/paths.json: paths_version is not 1");
    if (!(*json)["paths"].is_array()) return corrupt("info/paths.json has no list of paths");
    PathsJson result;
    std::unordered_set<std::string_view> seen;
    const auto& array = (*json)["paths"].as_array();
    result.paths.reserve(array.size());
    for (const Json& item : array) {
        auto record = parse_record(item);
        if (!record) return corrupt(fmt::format("info/paths.json: {}", record.error().message()));
        result.paths.push_back(std::move(*record));
    }
    for (const auto& record : result.paths) {
        if (!seen.insert(record.path).second) {
            return corrupt(fmt::format("info/paths.json: {} is named twice", shown(record.path)));
        }
    }
    return result;
}

Expected<PathsJson> PathsJson::from_legacy(std::string_view files, std::string_view has_prefix,
                                           std::string_view no_link) {
    PathsJson result;
    result.legacy = true;
    std::unordered_map<std::string, std::size_t> index;
    for (const auto line : lines_of(files)) {
        if (const auto reason = bad_path_reason(line))
            return corrupt(fmt::format("info/files: {} {}", shown(line), *reason));
        PathRecord record;
        record.path = line;
        if (!index.emplace(record.path, result.paths.size()).second) {
            return corrupt(fmt::format("info/files: {} is named twice", shown(line)));
        }
        result.paths.push_back(std::move(record));
    }
    for (const auto line : lines_of(has_prefix)) {
        auto fields = quoted_fields(line);
        if (!fields) return std::unexpected(std::move(fields.error()));
        if (fields->size() == 1) fields->insert(fields->begin(), {std::string(kDefaultPlaceholder), "text"});
        if (fields->size() != 3 || ((*fields)[1] != "text" && (*fields)[1] != "binary")) {
            return corrupt(fmt::format("info/has_prefix: {} is not `placeholder mode path`", shown(line)));
        }
        const auto found = index.find((*fields)[2]);
        if (found == index.end())
            return corrupt(fmt::format("info/has_prefix: {} is not in info/files", shown((*fields)[2])));
        if (!good_placeholder((*fields)[0])) return corrupt("info/has_prefix: a placeholder is no absolute path");
        PathRecord& record = result.paths[found->second];
        record.prefix_placeholder = (*fields)[0];
        record.file_mode = (*fields)[1] == "text" ? FileMode::Text : FileMode::Binary;
    }
    for (const auto line : lines_of(no_link)) {
        const auto found = index.find(std::string(line));
        if (found != index.end()) result.paths[found->second].no_link = true;
    }
    return result;
}

}  // namespace envbuild::conda
