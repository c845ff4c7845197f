// info/index.json (who a package says it is) and info/link.json (how a noarch Python package is to be linked).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"

namespace envbuild::conda {

struct IndexJson {
    std::string name, version, build;
    std::int64_t build_number = 0;
    std::string subdir;                     // "" in packages of old
    std::string noarch;                     // "", "generic" or "python"
    std::string python_site_packages_path;  // CEP 17; "" where absent
    Json document;                          // all of it, as the package has it

    // Corrupt when it is no JSON object, or name, version or build are missing, not strings or could not stand in a
    // file name.
    [[nodiscard]] static Expected<IndexJson> parse(std::string_view text);
};

// "command = package.module:object.attribute"
struct EntryPoint {
    std::string command, module, function;
    // Corrupt for what is no Python entry point or whose command could not be a file name in bin/.
    [[nodiscard]] static Expected<EntryPoint> parse(std::string_view text);
    bool operator==(const EntryPoint&) const = default;
};

struct LinkJson {
    std::string noarch;  // "", "generic" or "python"
    std::vector<EntryPoint> entry_points;

    [[nodiscard]] static Expected<LinkJson> parse(std::string_view text);
};

}  // namespace envbuild::conda
