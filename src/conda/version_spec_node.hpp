// The tree of a VersionSpec and its parser. Internal to conda/.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/glob.hpp"
#include "conda/regex.hpp"
#include "conda/version_key.hpp"
#include "conda/version_spec.hpp"

namespace envbuild::conda {

struct VersionSpec::Node {
    enum class Kind : std::uint8_t {
        Any,
        Equal,
        NotEqual,
        Less,
        LessEqual,
        Greater,
        GreaterEqual,
        StartsWith,     // "1.2.*", "=1.2"
        NotStartsWith,  // "!=1.2.*"
        Compatible,     // "~=1.2"
        Glob,           // "1.*.3", matched with the version as written
        Regex,          // "^1.*$", likewise
        Literal,        // with '@' in it: git references of old
        And,
        Or,
    };
    Kind kind = Kind::Any;
    Version version;                      // of comparisons; of StartsWith the prefix
    std::optional<VersionPrefix> prefix;  // of StartsWith, NotStartsWith, Compatible
    std::string text;                     // of Glob, Regex, Literal
    std::optional<Regex> regex;
    std::vector<std::shared_ptr<const Node>> children;  // of And, Or: two or more
};

using VersionSpecNode = std::shared_ptr<const VersionSpec::Node>;

// conda's treeify and get_matcher. InvalidInput with the reason; the hint, where there is one, is what was probably
// meant.
[[nodiscard]] Expected<VersionSpecNode> parse_version_expression(std::string_view text);

}  // namespace envbuild::conda
