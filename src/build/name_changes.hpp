// What users change of names that are there: labels, archiving, renaming (docs/names.md).
#pragma once

#include <string>

#include "build/environment_ref.hpp"
#include "build/workbench.hpp"

namespace envbuild::build {

struct NameChange {
    std::string name;     // as it is called now
    std::string version;  // "" where all of them are meant
    bool changed = true;  // false: it was so already
};

// All throw Error: InvalidInput for a reserved prefix (curated environments are not the user's to change), a name,
// version or label that is not there (the nearest is named), a new name that is taken, and where somebody else was
// faster; otherwise the repository's.

// On the version that NAME:VERSION or NAME@LABEL is.
[[nodiscard]] NameChange set_label(const NameRef& ref, const std::string& label, const Workbench& bench);
// Wherever it is, or from the version that `ref` names alone.
[[nodiscard]] NameChange remove_label(const NameRef& ref, const std::string& label, const Workbench& bench);
// Hides a version, or the name with all of them; `archived` false takes that back.
[[nodiscard]] NameChange set_archived(const NameRef& ref, bool archived, const Workbench& bench);
[[nodiscard]] NameChange rename_environment(const std::string& from, const std::string& to, const Workbench& bench);

}  // namespace envbuild::build
