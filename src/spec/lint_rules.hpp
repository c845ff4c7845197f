// What is well formed and will bite later. Internal to this folder.
#pragma once

#include "spec/reading.hpp"

namespace envbuild::spec {

// Adds warnings and notes to the reading's diagnostics.
void find_risks(Reading& reading, const ReadOptions& options);

}  // namespace envbuild::spec
