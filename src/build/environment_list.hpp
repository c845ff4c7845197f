// What there is: curated environments and the team's own, with what a list shows of each.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"
#include "build/environment_facts.hpp"
#include "build/workbench.hpp"

namespace envbuild::build {

struct ListOptions {
    bool curated = true;        // those of the curated_repository, and those that come with envbuild
    bool own = true;            // those of `registry`: the team's, and curated ones that were published there
    bool archived = false;      // those too
    bool all_versions = false;  // not only the latest
    bool look_up = true;        // say whether each is built
    std::string pattern;        // of names, any case: a glob, or a part; "" for all
};

enum class Built : std::uint8_t { Yes, No, Unknown };

struct ListedEnvironment {
    std::string name, version;
    bool curated = false;
    std::string status;               // "current", "deprecated", "unsatisfiable", "archived"
    std::vector<std::string> labels;  // of this version
    std::string description;
    std::map<std::string, std::string> tags;
    EnvironmentFacts facts;
    std::string spec_hash;  // "" where the definition cannot be read
    Built built = Built::Unknown;
    std::string image;  // where it is built
    std::string created, author;

    [[nodiscard]] Json to_json() const;
};

struct EnvironmentList {
    std::vector<ListedEnvironment> environments;  // curated first; each name once
    std::vector<std::string> faults;              // definitions that cannot be read, a line each
    std::optional<Error> unreachable;  // a repository could not be asked: its names, and images, are not known
    // Where none has the pattern in its name: the names nearest to it, at most a few; and those that are only archived.
    std::vector<std::string> near, archived;
};

// Throws Cancelled and InvalidInput (settings) only: what cannot be asked is in the list.
[[nodiscard]] EnvironmentList list_environments(const ListOptions& options, const Workbench& bench);

}  // namespace envbuild::build
