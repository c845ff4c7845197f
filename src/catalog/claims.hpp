// Claims: what people said about names, each an artifact that is never overwritten, and the one rule by which all who
// read the same claims see the same list (docs/names.md).
//
// The rule: claims are sorted by (sequence, created, digest) and played in that order. `sequence` is one more than the
// highest that the writer had seen, so that what somebody had read comes before what he then wrote, without clocks.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.hpp"
#include "base/json.hpp"

namespace envbuild::catalog {

enum class ClaimKind : std::uint8_t { Register, Rename, Label, Archive };

struct Claim {
    ClaimKind kind = ClaimKind::Register;
    std::string name;            // Register, Label, Archive: of what; Rename: the old name
    std::uint64_t sequence = 0;  // 1 for the first of a repository
    std::string created;         // RFC 3339, UTC; for people, and to break ties
    std::string author;          // "user@host", for people; may be ""
    // Register
    Digest content;         // of the definition's archive
    std::string spec_hash;  // hex, of the definition as registered, for look-ups without reading it
    std::string version;    // Register: asked for, "" for the next number; Label, Archive: which one ("" all)
    std::string description;
    std::map<std::string, std::string> tags;
    Json facts;  // what `list` shows without opening the archive: python, frameworks, cuda, gpu, base
    // Rename: the new name. Label: the label.
    std::string target;
    bool set = true;  // Archive: false restores. Label: false takes it away

    Digest id;  // of the artifact's manifest; not part of the JSON

    [[nodiscard]] Json to_json() const;                            // format version 1
    [[nodiscard]] static Expected<Claim> parse(const Json& json);  // Corrupt
};

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
};

struct NameEntry {
    std::string name;
    std::vector<VersionEntry> versions;         // in the order of registration
    std::map<std::string, std::string> labels;  // label -> version; "latest" only where somebody set it
    bool archived = false;

    // The version that `latest` is: as labelled, else the last registered that is not archived. Null where there is
    // none.
    [[nodiscard]] const VersionEntry* latest() const;
    [[nodiscard]] const VersionEntry* find(std::string_view version) const;
};

// What a claim came to, for its writer: the version it got, or why it has no effect.
struct Outcome {
    std::string version;
    std::string refused;  // "" or a reason, one line
};

// All names of a repository at one moment. A value; thread-safe to read.
class NameBook {
  public:
    [[nodiscard]] static NameBook play(std::vector<Claim> claims);

    [[nodiscard]] const std::map<std::string, NameEntry>& names() const { return names_; }
    // Follows renames; `renamed_from` then tells that it did.
    [[nodiscard]] const NameEntry* find(std::string_view name) const;
    [[nodiscard]] std::optional<std::string> renamed_to(std::string_view name) const;
    [[nodiscard]] const Outcome* outcome(const Digest& claim) const;
    [[nodiscard]] std::uint64_t next_sequence() const { return last_ + 1; }

  private:
    std::map<std::string, NameEntry> names_;
    std::map<std::string, std::string> renamed_;
    std::map<Digest, Outcome> outcomes_;
    std::uint64_t last_ = 0;
};

// "AzureML", "Microsoft" in any case, and what the site adds: refused for users, with the message Azure ML's users
// know.
class ReservedPrefixes {
  public:
    explicit ReservedPrefixes(std::vector<std::string> further = {});
    // InvalidInput where the name begins with one.
    [[nodiscard]] Expected<std::string> check(std::string_view name) const;
    [[nodiscard]] bool reserves(std::string_view name) const;

  private:
    std::vector<std::string> prefixes_;  // lower case
};

// "n-<32 hex of sha256(name)>-<64 hex of the manifest's digest>": one tag a claim; Rename lies under the old name.
[[nodiscard]] std::string claim_tag(std::string_view name, const Digest& manifest);
[[nodiscard]] std::optional<Digest> digest_of_claim_tag(std::string_view tag);

}  // namespace envbuild::catalog
