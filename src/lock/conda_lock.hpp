// The lock as a file: conda-lock's unified format, version 1 (conda_lock.lockfile.v1.models), which conda-lock and
// micromamba read. What that format has no place for is kept in metadata.custom_metadata, as strings under
// "envbuild.*".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lock/lock.hpp"

namespace envbuild::lock {

struct ReadLock {
    Lock lock;
    // What the file does not say and the caller must supply or decide ("base image", "virtual packages", "glibc");
    // empty for a file that envbuild wrote.
    std::vector<std::string> missing;
};

// Deterministic: equal locks and sources give equal bytes. `source` is what the lock was made from, for people to read
// (metadata.sources). read_conda_lock(write_conda_lock(lock)).lock.hash() == lock.hash().
[[nodiscard]] std::string write_conda_lock(const Lock& lock, std::string_view source = "environment.yml");
// Several platforms' in one file, which is the same environment on each. At least one, no platform twice; what it says
// of one is what a file of that one alone would.
[[nodiscard]] std::string write_conda_lock(const std::vector<Lock>& locks, std::string_view source);

// Reads envbuild's own files and other tools'. `file` is the name for messages. InvalidInput with file:line:column for
// what is no conda-lock file, has no package for `platform`, or holds a package without sha256; packages of other
// categories than "main" are left out.
[[nodiscard]] Expected<ReadLock> read_conda_lock(std::string_view text, const std::string& file,
                                                 const conda::Platform& platform);

// conda's explicit format (`conda create --file`): one URL#md5 a line, in link order. conda packages only.
[[nodiscard]] std::string write_explicit(const Lock& lock);

}  // namespace envbuild::lock
