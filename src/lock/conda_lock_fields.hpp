// The facts of a Lock that conda-lock's format has no field for, as its custom_metadata: strings under "envbuild.*".
// Internal to lock/: the writer and the reader share it, so that what one writes the other reads.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "lock/lock.hpp"

namespace envbuild::lock {

using CustomFields = std::map<std::string, std::string>;

// Keys: envbuild.format ("1"), .lock_hash, .spec_hash, .intent, .tree_format, .prefix, .gpu, .python_version,
// .template, .base.{name,digest,glibc,cuda,cudnn}, .virtual.<name>, .variable.<name>, .requested, .pip_requested,
// .extra_steps (JSON lists), .conda.<name> and .pip.<file name> (JSON objects of what the package's entry lacks),
// .build.<file name> (JSON objects: files that build others and are in no environment, so that they have no entry).
[[nodiscard]] CustomFields custom_fields(const Lock& lock);

// In a file of several platforms "envbuild.<platform>." stands in place of "envbuild.".
inline constexpr std::string_view kCustomPrefix = "envbuild.";
[[nodiscard]] std::string custom_prefix(const conda::Platform& platform);
// The platform's own, spelled as in a file of one platform; where there are none, the fields as they are.
[[nodiscard]] CustomFields fields_of_platform(const CustomFields& fields, const conda::Platform& platform);

// Whether the fields are envbuild's, of a format that this version reads.
[[nodiscard]] bool are_ours(const CustomFields& fields);

// Whether the lock, read, is the one whose hash was written: false where somebody changed the file or cut it off. True
// where the fields hold no such hash, or one of another tree format.
[[nodiscard]] bool is_as_written(const CustomFields& fields, const Lock& lock);

// Puts the fields into a lock whose packages hold what their entries say. Corrupt for a value that is not what
// custom_fields() writes.
[[nodiscard]] Expected<void> apply_custom_fields(const CustomFields& fields, Lock& lock);

}  // namespace envbuild::lock
