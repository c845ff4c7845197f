// The lines of a requirements file, as pip reads them (pip's requirements file format; PEP 508 for the requirement
// itself).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/url.hpp"

namespace envbuild::pypi {

// PEP 503: lower case, runs of [-_.] become one '-'.
[[nodiscard]] std::string normalize_name(std::string_view name);

// One requirement. Immutable once parsed.
struct RequirementLine {
    enum class Kind : std::uint8_t {
        Named,      // numpy[extra]>=1.2; marker
        DirectUrl,  // name @ https://… or a bare URL to a wheel or archive
        Vcs,        // git+https://…@commit#egg=name
        Local,      // ./path, a wheel file, or -e path
    };
    Kind kind = Kind::Named;
    std::string name;                 // normalised; "" where the line does not say it
    std::vector<std::string> extras;  // normalised, sorted, unique
    std::string specifier;            // canonical: clauses sorted, "==1.6.0", "<2,>=1"; "" for any
    std::string marker;               // canonical spelling; "" for none
    Url url;                          // of DirectUrl and Vcs, without password; an ssh URL keeps its user ("git@")
    std::string path;                 // of Local: relative to the outermost file's folder, else absolute; normalised
    bool editable = false;
    std::vector<std::string> hashes;   // "sha256:…" sorted
    std::vector<std::string> options;  // --config-settings and other per-requirement options, sorted
    std::string source_digest;  // of Local: what its files are (spec::SourceAccess); "" until a reader filled it in

    // The spelling that is hashed (with source_digest beside it), and that pip reads back.
    [[nodiscard]] std::string canonical() const;
    // Of DirectUrl and Local: whether the file that is named is a wheel.
    [[nodiscard]] bool names_wheel() const;
};

// The options of a requirements file that say where and how to look. URLs keep no user information here; what was given
// goes to the credential store of whoever parsed.
struct IndexOptions {
    // The first is --index-url, then --extra-index-url. From parse_requirements a first "" stands for the configured
    // index (it was not named, an extra one was); an EnvironmentSpec's list is expanded and holds none.
    std::vector<std::string> index_urls;
    bool no_index = false;
    std::vector<std::string> find_links;
    bool pre = false;
    bool prefer_binary = false;
    bool require_hashes = false;
    std::vector<std::string> no_binary, only_binary;  // normalised names, ":all:", ":none:"; sorted
    std::vector<std::string> trusted_hosts;
    bool operator==(const IndexOptions&) const = default;
};

// PEP 508 alone, without pip's further forms: what METADATA's Requires-Dist holds. InvalidInput; the hint is two lines,
// the text and a caret under the fault.
[[nodiscard]] Expected<RequirementLine> parse_requirement(std::string_view text);

}  // namespace envbuild::pypi
