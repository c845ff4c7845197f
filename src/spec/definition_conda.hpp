// Conda environments given inline in a definition, as the text of a conda file. Internal to this folder.
#pragma once

#include <string>

#include "spec/yaml.hpp"

namespace envbuild::spec {

// The node as YAML in block style, with every scalar as it was written: 3.10 stays 3.10, and a text that another reader
// would take for a number or a flag is quoted.
[[nodiscard]] std::string conda_text_of(const YamlNode& node);

}  // namespace envbuild::spec
