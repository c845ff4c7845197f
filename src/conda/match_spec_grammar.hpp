// The pieces of conda's MatchSpec grammar, each a function over text. Internal to conda/.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace envbuild::conda {

// The last "[…]" or "(…)", cut out of `text` wherever it stands (conda cuts every copy of it). Nothing where there is
// none; otherwise what stood between the outer characters.
[[nodiscard]] std::optional<std::string> cut_section(std::string& text, char open, char close);

struct BracketContent {
    std::vector<std::pair<std::string, std::string>> pairs;  // in order; a value may be empty
    std::string rest;                                        // what conda would drop: "" for nothing but separators
};
// "version='>=1,<2', build=py*" by conda's rules: quotes are optional, must match, and cannot be escaped.
[[nodiscard]] BracketContent split_brackets(std::string_view content);

struct VersionAndBuild {
    std::string version;               // spaces as written
    std::optional<std::string> build;  // trimmed
};
// "1.19.* py38_0", "=1.19=py38_0", ">=1.0 , <2.0". The text is trimmed and not empty.
[[nodiscard]] VersionAndBuild split_version_and_build(std::string_view text);

// conda's reading of "=": "=1.2" is "1.2*" unless a build stands behind it, "==1.2" is "1.2".
[[nodiscard]] std::string normalize_equals(std::string version, bool has_build);

// The name that a record's "depends" begins with, "numpy >=1.2" or "channel::numpy"; quick, and not checked.
[[nodiscard]] std::string_view match_spec_name(std::string_view text);

// CEP 26's names, virtual ones too. Patterns (with '*') are all fine. Lower case.
[[nodiscard]] bool is_package_name(std::string_view name);

// "numpy-1.26.0-py311_0.conda" -> its parts; nothing without two dashes.
struct DistParts {
    std::string name, version, build;
};
[[nodiscard]] std::optional<DistParts> split_dist(std::string_view file_name);
[[nodiscard]] bool is_package_file(std::string_view text);  // ends in .conda or .tar.bz2

}  // namespace envbuild::conda
