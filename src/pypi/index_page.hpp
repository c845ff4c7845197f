// One project's page of a package index: PEP 691 (JSON) and PEP 503 (HTML), with what PEP 592 (yanked), 658 and 714
// (metadata beside the file) and 700 (sizes, upload times) add.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/url.hpp"

namespace envbuild::pypi {

// A file as the index offers it.
struct IndexFile {
    std::string filename;  // a plain name, without '/'
    Url url;               // absolute; without user information and fragment
    std::optional<Digest> sha256;
    std::string requires_python;  // as written; "" for any
    std::optional<std::uint64_t> size;
    std::string upload_time;            // as written (ISO 8601); "" where it is not said
    std::optional<std::string> yanked;  // the reason, which may be ""
    bool has_metadata = false;          // at <url>.metadata
    std::optional<Digest> metadata_sha256;
};

struct IndexPage {
    std::vector<IndexFile> files;      // in the page's order
    std::vector<std::string> skipped;  // why entries were left out, the first few: for -v
};

// What to send as Accept: JSON before HTML (PEP 691, "Version + Format Selection").
inline constexpr std::string_view kIndexAccept =
    "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1";

// `page` is where the page came from, after redirects: links are relative to it. Links of other schemes than http and
// https are left out, file: too unless the page is a file itself. Corrupt, with the page and the place in it, for what
// is no such page, is of a later major version of the API, or has members of other types.
[[nodiscard]] Expected<IndexPage> parse_json_page(std::string_view body, const Url& page);
// The same; Corrupt too for a page for people (a login, an error) in place of an index.
[[nodiscard]] Expected<IndexPage> parse_html_page(std::string_view body, const Url& page);
// By `content_type`, and by how the body begins where that says nothing.
[[nodiscard]] Expected<IndexPage> parse_index_page(std::string_view content_type, std::string_view body,
                                                   const Url& page);

}  // namespace envbuild::pypi
