// The files of a wheel's .dist-info folder that say what it is.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "conda/index_json.hpp"

namespace envbuild::link {

// WHEEL (PEP 427): nothing to keep of it, for purelib and platlib are one folder in a prefix. Corrupt unless its
// Wheel-Version is 1.something and Root-Is-Purelib is true or false.
[[nodiscard]] Expected<void> check_wheel_file(std::string_view text);

// Name and Version of METADATA, as written. Corrupt where one is missing or there twice.
struct ProjectNames {
    std::string name, version;
};
[[nodiscard]] Expected<ProjectNames> parse_project_names(std::string_view text);

// [console_scripts] and [gui_scripts] of entry_points.txt ("Entry points specification"), extras left out. On Linux the
// two are the same. Corrupt where a line is no entry point, or one name stands for two.
[[nodiscard]] Expected<std::vector<conda::EntryPoint>> parse_entry_points(std::string_view text);

}  // namespace envbuild::link
