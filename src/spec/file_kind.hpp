// Tells what a file is by its name and content.
#pragma once

#include <string>
#include <string_view>

#include "spec/environment_reader.hpp"
#include "spec/yaml.hpp"

namespace envbuild::spec {

// From the name and the raw text, before any parsing: Requirements, CondaEnvironment (which stands for "YAML, look
// closer"), or a kind that is told by its text alone.
[[nodiscard]] FileKind kind_of_text(std::string_view text, const std::string& file);
// What a YAML document is.
[[nodiscard]] FileKind kind_of_yaml(const YamlNode& root);
// What to do with a file of a kind that is not read, for a hint.
[[nodiscard]] std::string_view advice(FileKind kind);

}  // namespace envbuild::spec
