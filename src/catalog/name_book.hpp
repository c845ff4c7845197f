// NameBook: what all claims of a repository come to (docs/names.md).
//
// The rule: claims are sorted by (sequence, created, digest) and played in that order. `sequence` is one more than the
// highest that the writer had seen, so that what somebody had read comes before what he then wrote, without clocks.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/claim.hpp"

namespace envbuild::catalog {

struct VersionEntry {
    std::string version;
    Digest content;
    std::string spec_hash;
    std::string description;
    std::map<std::string, std::string> tags;
    Json facts;
    std::string created, author;
    Digest claim;  // whose archive layer holds the definition
    bool archived = false;

    bool operator==(const VersionEntry&) const = default;
};

struct NameEntry {
    std::string name;
    std::vector<VersionEntry> versions;         // in the order of registration; never empty
    std::map<std::string, std::string> labels;  // label -> version; "latest" only where somebody set it
    bool archived = false;

    // The version that `latest` is: as labelled, else the last registered that is not archived. Null where there is
    // none.
    [[nodiscard]] const VersionEntry* latest() const;
    [[nodiscard]] const VersionEntry* find(std::string_view version) const;
    [[nodiscard]] const VersionEntry* labelled(std::string_view label) const;  // knows `latest`
    [[nodiscard]] const VersionEntry* with_content(const Digest& content) const;
    // One more than the highest version that is a number.
    [[nodiscard]] std::string next_version() const;

    bool operator==(const NameEntry&) const = default;
};

// What a claim came to, for its writer: the version it got, or why it has no effect.
struct Outcome {
    std::string version;
    std::string refused;  // "" or a reason, one line
};

// All names of a repository at one moment. A value; thread-safe to read.
class NameBook {
  public:
    // A claim that is there twice (by id) counts once.
    [[nodiscard]] static NameBook play(std::vector<Claim> claims);
    // The book with one more claim, played last: what a writer may expect. Its id may be empty.
    [[nodiscard]] NameBook with(const Claim& claim) const;

    [[nodiscard]] const std::map<std::string, NameEntry, std::less<>>& names() const { return names_; }
    // Follows renames; renamed_to() then tells that it did.
    [[nodiscard]] const NameEntry* find(std::string_view name) const;
    // Where the name is only a redirect: to what. That name is always there.
    [[nodiscard]] std::optional<std::string> renamed_to(std::string_view name) const;
    [[nodiscard]] const Outcome* outcome(const Digest& claim) const;
    [[nodiscard]] std::uint64_t next_sequence() const;
    // The same names with all that is in them, and the same redirects.
    [[nodiscard]] bool same_names(const NameBook& other) const;

  private:
    void apply(const Claim& claim);
    Outcome apply_register(const Claim& claim);
    Outcome apply_rename(const Claim& claim);
    Outcome apply_label(const Claim& claim);
    Outcome apply_archive(const Claim& claim);
    NameEntry* find_entry(std::string_view name);

    std::map<std::string, NameEntry, std::less<>> names_;
    // Its values are in names_, its keys are not: so a redirect is one step and there is no cycle.
    std::map<std::string, std::string, std::less<>> renamed_;
    std::map<Digest, Outcome> outcomes_;
    std::uint64_t last_ = 0;
};

}  // namespace envbuild::catalog
