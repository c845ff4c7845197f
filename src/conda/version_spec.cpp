#include "conda/version_spec.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "base/strings.hpp"
#include "conda/version_spec_node.hpp"

namespace envbuild::conda {

namespace {

using Node = VersionSpec::Node;
using Kind = Node::Kind;

bool matches_node(const Node& node, const Version& version) {
    switch (node.kind) {
        case Kind::Any:
            return true;
        case Kind::Equal:
            return version == node.version;
        case Kind::NotEqual:
            return version != node.version;
        case Kind::Less:
            return version < node.version;
        case Kind::LessEqual:
            return version <= node.version;
        case Kind::Greater:
            return version > node.version;
        case Kind::GreaterEqual:
            return version >= node.version;
        case Kind::StartsWith:
            return node.prefix->matches(version);
        case Kind::NotStartsWith:
            return !node.prefix->matches(version);
        case Kind::Compatible:
            return version >= node.version && node.prefix->matches(version);
        case Kind::Glob:
            return glob_matches(node.text, version.to_string());
        case Kind::Regex:
            return node.regex->matches_start_of(version.to_string());
        case Kind::Literal:
            return version.to_string() == node.text;
        case Kind::And:
            return std::all_of(node.children.begin(), node.children.end(),
                               [&](const auto& child) { return matches_node(*child, version); });
        case Kind::Or:
            return std::any_of(node.children.begin(), node.children.end(),
                               [&](const auto& child) { return matches_node(*child, version); });
    }
    return false;
}

// A ".*" behind an operator is cut off by the parser, so a version that itself ends in one gets another.
std::string relation(std::string_view op, const Version& version) {
    std::string text = version.normalized();
    if (text.ends_with(".*") && op != "~=") text += ".*";
    return fmt::format("{}{}", op, text);
}

void collect(const Node& node, Kind kind, std::vector<std::string>& parts);

std::string canonical_node(const Node& node) {
    switch (node.kind) {
        case Kind::Any:
            return "*";
        case Kind::Equal:
            return relation("==", node.version);
        case Kind::NotEqual:
            return relation("!=", node.version);
        case Kind::Less:
            return relation("<", node.version);
        case Kind::LessEqual:
            return relation("<=", node.version);
        case Kind::Greater:
            return relation(">", node.version);
        case Kind::GreaterEqual:
            return relation(">=", node.version);
        case Kind::Compatible:
            return relation("~=", node.version);
        case Kind::NotStartsWith:
            return fmt::format("!={}.*", node.version.normalized());
        case Kind::StartsWith: {
            const std::string text = node.version.normalized();
            return text.find('*') == std::string::npos ? text + ".*" : fmt::format("={}.*", text);
        }
        case Kind::Glob:
        case Kind::Regex:
        case Kind::Literal:
            return node.text;
        case Kind::And:
        case Kind::Or: {
            std::vector<std::string> parts;
            collect(node, node.kind, parts);
            std::sort(parts.begin(), parts.end());
            parts.erase(std::unique(parts.begin(), parts.end()), parts.end());
            if (node.kind == Kind::Or && std::find(parts.begin(), parts.end(), "*") != parts.end()) return "*";
            if (node.kind == Kind::And) std::erase(parts, "*");
            if (parts.empty()) return "*";
            return join(parts, node.kind == Kind::And ? "," : "|");
        }
    }
    return "*";
}

// Whether it is an alternative at its top, so that it needs parentheses as a conjunct.
bool is_alternative(const std::string& canonical) {
    int depth = 0;
    for (std::size_t i = 0; i < canonical.size(); ++i) {
        const char c = canonical[i];
        if (c == '^') {  // a regular expression runs to its '$', whatever it holds
            const std::size_t end = canonical.find('$', i);
            if (end != std::string::npos) i = end;
        } else if (c == '(') {
            ++depth;
        } else if (c == ')') {
            --depth;
        } else if (c == '|' && depth == 0) {
            return true;
        }
    }
    return false;
}

void collect(const Node& node, Kind kind, std::vector<std::string>& parts) {
    for (const auto& child : node.children) {
        if (child->kind == kind) {
            collect(*child, kind, parts);
            continue;
        }
        std::string text = canonical_node(*child);
        if (kind == Kind::And && is_alternative(text)) text = fmt::format("({})", text);
        parts.push_back(std::move(text));
    }
}

}  // namespace

Expected<VersionSpec> VersionSpec::parse(std::string_view text) {
    auto node = parse_version_expression(text);
    if (!node) return std::unexpected(std::move(node.error()));
    VersionSpec spec;
    if ((*node)->kind != Kind::Any) spec.node_ = std::move(*node);
    return spec;
}

bool VersionSpec::matches(const Version& version) const {
    return !node_ || matches_node(*node_, version);
}

std::string VersionSpec::canonical() const {
    return node_ ? canonical_node(*node_) : "*";
}

std::optional<std::string> VersionSpec::exact() const {
    if (!node_ || node_->kind != Kind::Equal) return std::nullopt;
    return node_->version.to_string();
}

}  // namespace envbuild::conda
