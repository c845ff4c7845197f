// The lines of a requirements file, as pip reads them (pip's requirements file format; PEP 508 for the requirement itself).
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
    std::string name;                     // normalised; "" where the line does not say it
    std::vector<std::string> extras;      // normalised, sorted, unique
    std::string specifier;                // canonical: clauses sorted, "==1.6.0", ">=1,<2"; "" for any
    std::string marker;                   // canonical spelling; "" for none
    Url url;                              // of DirectUrl and Vcs, without user information
    std::string path;                     // of Local, as written
    bool editable = false;
    std::vector<std::string> hashes;      // "sha256:…" sorted
    std::vector<std::string> options;     // --config-settings and other per-requirement options, as written

    // The spelling that is hashed, and that pip reads back.
    [[nodiscard]] std::string canonical() const;
};

// The options of a requirements file that say where and how to look. URLs keep no user information here; what was given goes
// to the credential store of whoever parsed.
struct IndexOptions {
    std::vector<std::string> index_urls;    // the first is --index-url (empty: the configured one), then --extra-index-url
    bool no_index = false;
    std::vector<std::string> find_links;
    bool pre = false;
    bool prefer_binary = false;
    bool require_hashes = false;
    std::vector<std::string> no_binary, only_binary;  // normalised names, ":all:", ":none:"
    std::vector<std::string> trusted_hosts;
    bool operator==(const IndexOptions&) const = default;
};

}  // namespace envbuild::pypi
