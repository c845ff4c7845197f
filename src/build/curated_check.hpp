// `envbuild curated check`: whether each curated definition is what environment.yaml says of it (docs/curated.md).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "build/workbench.hpp"
#include "catalog/curated_set.hpp"

namespace envbuild::build {

enum class CuratedResult : std::uint8_t {
    Parses,    // read, and its base image is in the catalogue; nothing was asked of the network
    Resolves,  // its base image is there, and so is every package
    Refused,   // has no solution, as it is marked
    Gone,      // its base image or a channel is no longer there, which is allowed to what is not current
    Wrong,     // not as marked: `error` says why
    Unknown,   // a registry, channel or engine could not be asked: `error` says which
};
[[nodiscard]] std::string_view to_string(CuratedResult result);

struct CuratedFinding {
    std::string name, version;                     // no version for a folder that could not be read
    std::optional<catalog::CuratedStatus> status;  // nor a status
    CuratedResult result = CuratedResult::Parses;
    std::string detail;  // one line: "12 conda packages, 3 of pip", or why
    std::string spec_hash;
    std::optional<Error> error;  // of Wrong and Unknown
};

enum class CuratedDepth : std::uint8_t {
    Parse,    // nothing but the files
    Resolve,  // registries and channels are asked; nothing is built
};

// `names`: those that are wanted, "NAME" or "NAME:VERSION" in any case; none means all. A finding for every version, in
// the set's order, the folders that could not be read last. Throws Error: NotFound for a name that is not there (the
// nearest is named), Cancelled.
[[nodiscard]] std::vector<CuratedFinding> check_curated(const catalog::CuratedSet& set,
                                                        const std::vector<std::string>& names, CuratedDepth depth,
                                                        const Workbench& bench);

// 0 when all are as marked; else the worst: 2 before 5 before the other kinds' codes before 4.
[[nodiscard]] int exit_code(const std::vector<CuratedFinding>& findings);

}  // namespace envbuild::build
