// info/paths.json (version 1) and what stood in its place before it: info/files, info/has_prefix, info/no_link.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.hpp"
#include "base/error.hpp"

namespace envbuild::conda {

enum class PathType : std::uint8_t {
    Hardlink,
    Softlink,
    Directory
};  // in paths.json's words: a regular file is a "hardlink"
enum class FileMode : std::uint8_t { Text, Binary };

struct PathRecord {
    std::string path;  // as in the archive, same rules
    PathType type = PathType::Hardlink;
    FileMode file_mode = FileMode::Text;
    std::string prefix_placeholder;  // "" where nothing is to be replaced
    std::optional<Digest> sha256;    // of the bytes in the archive (for a softlink: of what it leads to)
    std::optional<std::uint64_t> size;
    bool no_link = false;  // must be copied, never linked
    bool operator==(const PathRecord&) const = default;
};

struct PathsJson {
    std::vector<PathRecord> paths;  // no path twice
    bool legacy = false;            // made from info/files: types and hashes are unknown

    // Corrupt with the reason: wrong JSON or types, paths_version other than 1, a path that could escape, one named
    // twice, a placeholder that is not an absolute path.
    [[nodiscard]] static Expected<PathsJson> parse(std::string_view text);
    // From the older files; has_prefix and no_link may be "". has_prefix lines: `path`, or `placeholder mode path`,
    // each in quotes where it holds a space; a bare path has the text placeholder /opt/anaconda1anaconda2anaconda3.
    [[nodiscard]] static Expected<PathsJson> from_legacy(std::string_view files, std::string_view has_prefix,
                                                         std::string_view no_link);
};

[[nodiscard]] std::string_view to_string(PathType type);  // "hardlink", "softlink", "directory"
[[nodiscard]] std::string_view to_string(FileMode mode);  // "text", "binary"

// Nothing when the name is good as a path inside a package, else what is wrong with it ("climbs out with ..").
[[nodiscard]] std::optional<std::string> bad_path_reason(std::string_view path);

}  // namespace envbuild::conda
