// The options of the commands that make a definition: save and register.
#pragma once

#include "build/definition_source.hpp"
#include "cli/command.hpp"

namespace envbuild::cli {

// ENVIRONMENT (optional: an image or a Dockerfile may be all there is), --image, --dockerfile, --context,
// --user-managed, --shm-size, --gpu and the like.
void add_definition_options(CLI::App& command, build::DefinitionEdits& edits);

}  // namespace envbuild::cli
