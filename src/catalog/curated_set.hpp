// The curated environments: curated/environments/, one folder each (docs/curated.md). Data, not code.
//
// A folder holds environment.yaml, the conda files and Dockerfiles that its versions name, an import test and notes. A
// folder that cannot be read is a fault of its own and hides no other.
#pragma once

#include <compare>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "spec/definition.hpp"

namespace envbuild::catalog {

// Whether it can be had today.
enum class CuratedStatus : std::uint8_t {
    Current,
    Deprecated,     // its base or framework is no longer supported by those who made it
    Unsatisfiable,  // as it was, but a strict resolver refuses it; the next version has the smallest correction
};

[[nodiscard]] std::string_view to_string(CuratedStatus status);  // "current", as environment.yaml has it

struct CuratedVersion {
    // With name, version, description, tags (the environment's under the version's own); conda_file is relative to the
    // environment's folder. Without one it is user-managed.
    spec::Definition definition;
    CuratedStatus status = CuratedStatus::Current;
    std::string note;  // why, in a line or two
    std::string source, date;
};

struct CuratedEnvironment {
    std::string name;
    std::string description;
    std::filesystem::path directory;
    std::vector<CuratedVersion> versions;  // oldest first
    std::string test;                      // path of the import test that its container runs, relative to the directory

    [[nodiscard]] const CuratedVersion& latest() const;  // the last that is not Unsatisfiable, else the last
    [[nodiscard]] const CuratedVersion* find(std::string_view version) const;
};

// How lists of names are sorted: digits by their value, all else in any case, so that 1.9 comes before 1.10.
[[nodiscard]] std::strong_ordering compare_names(std::string_view a, std::string_view b);

// A definition that could not be read: the others go on.
struct CuratedFault {
    std::string name;
    Error error;
};

struct CuratedSet {
    std::vector<CuratedEnvironment> environments;  // by name, numbers in it by value ("1.9" before "1.10")
    std::vector<CuratedFault> faults;

    [[nodiscard]] const CuratedEnvironment* find(std::string_view name) const;  // any case
};

// `directory` is curated/environments. An absent folder is an empty set. A fault is InvalidInput with file:line:column
// (an unknown key names the nearest), or NotFound where environment.yaml is missing.
[[nodiscard]] CuratedSet load_curated(const std::filesystem::path& directory);

}  // namespace envbuild::catalog
