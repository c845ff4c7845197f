// The forms that one requirement takes, for the parsers of this folder.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "base/url.hpp"
#include "pypi/requirement_line.hpp"

namespace envbuild::pypi {

// Why a line does not parse, and at which byte of it.
struct LineFault {
    std::string message, hint;
    std::size_t offset = 0;
};

template <class T>
using LineResult = std::expected<T, LineFault>;

// PEP 508. URLs that carried user information are added to `with_credentials`.
[[nodiscard]] LineResult<RequirementLine> parse_named(std::string_view text, std::vector<Url>& with_credentials);

// All that pip takes for a requirement: PEP 508, a bare URL, a path, an archive's file name. A Local's path stays as
// written.
[[nodiscard]] LineResult<RequirementLine> parse_requirement_form(std::string_view text, bool editable,
                                                                 std::vector<Url>& with_credentials);

// Whether a path ends as wheels and source archives do, so that pip takes the file it names for one.
[[nodiscard]] bool has_archive_ending(std::string_view text);

// "sha256:<hex>" as --hash takes it, in lower case.
[[nodiscard]] LineResult<std::string> parse_hash(std::string_view text);

}  // namespace envbuild::pypi
