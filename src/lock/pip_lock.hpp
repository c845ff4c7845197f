// pip's half of a lock for other tools: pylock.toml (PEP 751, "pylock.toml Specification" of packaging.python.org,
// version 1.0) and a requirements file with hashes. What only builds others is in neither: those who install from them
// build as they do.
#pragma once

#include <string>

#include "lock/lock.hpp"
#include "pypi/requirement_line.hpp"

namespace envbuild::lock {

// Deterministic. Says which platform and Python it is for; paths of local sources are the lock's.
[[nodiscard]] std::string write_pylock(const Lock& lock);

// "name==version --hash=sha256:…" a line, behind the options that say where pip finds the files. What was named by a
// URL stays so. InvalidInput for repositories and local trees, which pip installs only where nothing has a hash.
[[nodiscard]] std::string write_requirements(const Lock& lock, const pypi::IndexOptions& indexes);

}  // namespace envbuild::lock
