// The command line as a whole: from argv to an exit code.
#pragma once

#include <string>
#include <vector>

#include "base/cancel.hpp"
#include "base/process_env.hpp"

namespace envbuild::cli {

// Parses, runs, reports. `arguments` is argv without the program's name. Never throws; the result is the exit code.
[[nodiscard]] int run_command_line(std::vector<std::string> arguments, const ProcessEnv& env,
                                   const CancelToken& cancel);

}  // namespace envbuild::cli
