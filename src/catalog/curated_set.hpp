// The curated environments: curated/environments/, one folder each (docs/curated.md). Data, not code.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "spec/definition.hpp"

namespace envbuild::catalog {

// Whether it can be had today.
enum class CuratedStatus : std::uint8_t {
    Current,
    Deprecated,     // its base or framework is no longer supported by those who made it
    Unsatisfiable,  // as it was, but a strict resolver refuses it; the next version has the smallest correction
};

struct CuratedVersion {
    spec::Definition definition;  // with name, version, description, tags
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

// `directory` is curated/environments. An absent folder is an empty set.
[[nodiscard]] CuratedSet load_curated(const std::filesystem::path& directory);

}  // namespace envbuild::catalog
