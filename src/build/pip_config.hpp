// pip's own configuration, as far as it says where the package index is (pip's user guide, "Configuration").
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/process_env.hpp"

namespace envbuild::build {

struct PipConfig {
    std::optional<std::string> index_url;       // PIP_INDEX_URL, else index-url of the strongest pip.conf
    std::vector<std::string> extra_index_urls;  // told of, never used: what is not in the file is not added
};

// PIP_* variables, then $PIP_CONFIG_FILE, the user's files, the global ones, each weaker. Files that cannot be read
// count as empty.
[[nodiscard]] PipConfig read_pip_config(const ProcessEnv& env);

}  // namespace envbuild::build
