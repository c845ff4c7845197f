// Runs the simple shell scripts that activate packages, on values alone: no process, no file of this machine. Used by
// activation.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "link/shell_words.hpp"

namespace envbuild::link {

struct ShellVariable {
    std::string value;
    bool exported = false;
    bool operator==(const ShellVariable&) const = default;
};

struct ShellState {
    std::map<std::string, ShellVariable> variables;
};

// Answers `[ -e|-f|-d path ]`: 'f' for a file, 'd' for a directory, '-' for nothing there; nothing when it cannot be
// known.
using ShellFileTest = std::function<std::optional<char>(const std::string& path)>;

// Changes `state` as the script would. Throws ShellTrouble for whatever it does not understand; `state` counts for
// nothing then.
void interpret_shell(std::string_view script, const ShellFileTest& file_test, ShellState& state);

}  // namespace envbuild::link
