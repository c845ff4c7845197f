// The options that a line of a requirements file may hold (pip's req_file: SUPPORTED_OPTIONS and
// SUPPORTED_OPTIONS_REQ).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pypi/line_parser.hpp"

namespace envbuild::pypi {

// One line, taken apart. Either `requirement` is set, with the options that belong to it, or the file-wide ones are.
struct OptionLine {
    std::string requirement;
    std::vector<std::string> hashes;
    std::vector<std::string> requirement_options;

    std::vector<std::string> editables;
    std::vector<std::pair<std::string, bool>> includes;  // path, whether it is -c
    std::optional<std::string> index_url;
    std::vector<std::string> extra_index_urls, find_links, trusted_hosts;
    std::vector<std::pair<bool, std::string>> formats;  // only-binary (true) or no-binary, value
    bool no_index = false, pre = false, prefer_binary = false, require_hashes = false;
    std::vector<std::string> warnings;
};

[[nodiscard]] LineResult<OptionLine> parse_option_line(std::string_view line);

}  // namespace envbuild::pypi
