// Reads a lock file that a command was given, and says what it lacks to be built from.
#pragma once

#include <filesystem>
#include <string>

#include "build/intent.hpp"
#include "lock/lock.hpp"

namespace envbuild::cli {

// InvalidInput where the file says too little to decide every byte (a lock of another tool without a base image, say).
[[nodiscard]] lock::Lock read_lock_file(const std::filesystem::path& file, const std::string& platform);

// Whether the word names a file that looks like a conda-lock file.
[[nodiscard]] bool is_lock_file(const std::string& word);

}  // namespace envbuild::cli
