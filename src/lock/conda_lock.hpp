// The lock as a file: conda-lock's unified format, version 1 (conda_lock.lockfile.v1.models), which conda-lock and
// micromamba read. What that format has no place for is kept in metadata.custom_metadata, as strings under
// "envbuild.*".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lock/lock.hpp"
#include "spec/yaml.hpp"

namespace envbuild::lock {

struct ReadLock {
    Lock lock;
    // What the file does not say and the caller must supply or decide ("base image", "virtual packages", "glibc");
    // empty for a file that envbuild wrote.
    std::vector<std::string> missing;
};

// Deterministic: equal locks and sources give equal bytes. `source` is what the lock was made from, for people to read
// (metadata.sources). What CondaLockFile reads of it has the same hash().
[[nodiscard]] std::string write_conda_lock(const Lock& lock, std::string_view source = "environment.yml");
// Several platforms' in one file, which is the same environment on each. At least one, no platform twice; what it says
// of one is what a file of that one alone would.
[[nodiscard]] std::string write_conda_lock(const std::vector<Lock>& locks, std::string_view source);

// Such a file of envbuild's or of another tool, of one platform or several. Immutable and thread-safe.
class CondaLockFile {
  public:
    // `file` is the name for messages. InvalidInput with file:line:column for what is no conda-lock file.
    [[nodiscard]] static Expected<CondaLockFile> parse(std::string_view text, const std::string& file);

    // Those that it has packages for, or says that it is for; sorted.
    [[nodiscard]] const std::vector<std::string>& platforms() const { return platforms_; }

    // One platform's lock. InvalidInput with file:line:column where there is no package for it, or one that has no
    // sha256; packages of other categories than "main" are left out.
    [[nodiscard]] Expected<ReadLock> read(const conda::Platform& platform) const;

  private:
    explicit CondaLockFile(spec::YamlNode root);
    spec::YamlNode root_;
    std::vector<std::string> platforms_;
};

// conda's explicit format (`conda create --file`): one URL#md5 a line, in link order. conda packages only.
[[nodiscard]] std::string write_explicit(const Lock& lock);

}  // namespace envbuild::lock
