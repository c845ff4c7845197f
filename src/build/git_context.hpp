// A build context in a git repository (docs/azure-ml.md): known by its commit, fetched when its base has to be built.
#pragma once

#include <string>

#include "build/own_base.hpp"
#include "spec/git_location.hpp"

namespace envbuild::build {

// The location with the commit that it means now in place of its branch or tag; git is asked, unless it names one.
// Throws Error: NotFound, Unauthorized, Transient.
[[nodiscard]] spec::GitLocation pin(spec::GitLocation location, const Workbench& bench);

// Its key is over the commit and the folder (docs/hash.md): whence it is fetched decides no byte. The files are what a
// folder with that content would give, without `.git`; submodules are among them. `dockerfile` is relative to the
// context. Throws as pin(); files() as spec::read_context too.
[[nodiscard]] OwnContext git_context(const spec::GitLocation& location, const std::string& dockerfile,
                                     const Workbench& bench);

}  // namespace envbuild::build
