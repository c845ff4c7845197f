// Claims: what people said about names, each an artifact that is never overwritten (docs/names.md). NameBook has the
// one rule by which all who read the same claims see the same list.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/digest.hpp"
#include "base/json.hpp"

namespace envbuild::catalog {

enum class ClaimKind : std::uint8_t { Register, Rename, Label, Archive };

[[nodiscard]] std::string_view to_string(ClaimKind kind);  // "register", as the JSON has it

struct Claim {
    ClaimKind kind = ClaimKind::Register;
    std::string name;            // Register, Label, Archive: of what; Rename: the old name
    std::uint64_t sequence = 0;  // 1 for the first of a repository
    std::string created;         // "2026-11-23T01:33:04.123Z", always UTC with milliseconds; for people, and for ties
    std::string author;          // "user@host", for people; may be ""
    // Register
    Digest content;         // of the definition's archive
    std::string spec_hash;  // hex, of the definition as registered, for look-ups without reading it
    std::string version;    // Register: asked for, "" for the next number; Label, Archive: which one ("" all)
    std::string expected;   // Register without a version: what the writer saw as next; "" unknown
    std::string description;
    std::map<std::string, std::string> tags;
    Json facts;  // what `list` shows without opening the archive: python, frameworks, cuda, gpu, base
    // Rename: the new name. Label: the label.
    std::string target;
    bool set = true;  // Archive: false restores. Label: false takes it away

    Digest id;  // of the artifact's manifest; not part of the JSON

    [[nodiscard]] Json to_json() const;  // format version 1
    // Corrupt, with the member that is wrong: claims are written by many, and what is in one is shown to all.
    [[nodiscard]] static Expected<Claim> parse(const Json& json);
};

// Above it nobody could write a claim that comes later.
inline constexpr std::uint64_t kLastSequence = 1'000'000'000'000'000;

// Letters, digits, '-', '_', '.', beginning with a letter or digit, at most 128; `latest` is a label and no version.
// InvalidInput.
[[nodiscard]] Expected<std::string> check_version(std::string_view version);
[[nodiscard]] Expected<std::string> check_label(std::string_view label);

// "n-<32 hex of sha256(name)>-<64 hex of the manifest's digest>": one tag a claim; Rename lies under the old name.
inline constexpr std::string_view kClaimTagPrefix = "n-";
[[nodiscard]] std::string claim_tag(std::string_view name, const Digest& manifest);
// Nothing where the tag has another form.
[[nodiscard]] std::optional<Digest> digest_of_claim_tag(std::string_view tag);

}  // namespace envbuild::catalog
