#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "pypi/marker_node.hpp"
#include "pypi/requirement_line.hpp"
#include "pypi/specifier.hpp"

namespace envbuild::pypi {

namespace {

using Node = Marker::Node;

constexpr std::array<std::string_view, 4> kVersions = {"implementation_version", "platform_release",
                                                       "python_full_version", "python_version"};

// PEP 751's sets: of a lock file, never of a requirement, where they are empty.
bool is_set(std::string_view variable) {
    return variable == "extras" || variable == "dependency_groups";
}

struct Context {
    const MarkerEnvironment& environment;
    std::string extra;

    [[nodiscard]] std::string value(const Node::Value& value) const {
        if (!value.variable) return value.text;
        if (value.text == "extra") return extra;
        std::string text(environment.find(value.text).value_or(""));
        // A Python built from a work tree calls itself "3.13.0+", which is no version.
        if (value.text == "python_full_version" && text.ends_with('+')) text += "local";
        return text;
    }
};

std::unexpected<Error> meaningless(const Node& node) {
    return fail(ErrorKind::InvalidInput, fmt::format("the marker compares '{}' {} '{}', which has no meaning",
                                                     node.left.text, node.op, node.right.text));
}

Expected<bool> compare(const Node& node, const Context& context) {
    const bool membership = node.op == "in" || node.op == "not in";
    if (node.left.variable && is_set(node.left.text)) return meaningless(node);
    if (node.right.variable && is_set(node.right.text)) {
        if (!membership) return meaningless(node);
        return node.op == "not in";
    }
    const std::string left = context.value(node.left), right = context.value(node.right);
    if (membership) return (right.find(left) != std::string::npos) == (node.op == "in");

    const std::string& key = node.left.variable ? node.left.text : node.right.text;
    const bool variable = node.left.variable || node.right.variable;
    if (variable && std::ranges::find(kVersions, key) != kVersions.end() && right.find(',') == std::string::npos) {
        if (const auto specifier = SpecifierSet::parse(node.op + right)) return specifier->contains(left);
    }
    // Texts have no order: "<=" and ">=" hold where they are equal.
    if (node.op == "==" || node.op == "<=" || node.op == ">=") return left == right;
    if (node.op == "!=") return left != right;
    if (node.op == "<" || node.op == ">") return false;
    return meaningless(node);
}

Expected<bool> evaluate_node(const Node& node, const Context& context) {
    if (node.kind == Node::Kind::Compare) return compare(node, context);
    const bool is_and = node.kind == Node::Kind::And;
    for (const Node& term : node.terms) {
        auto holds = evaluate_node(term, context);
        if (!holds || *holds != is_and) return holds;
    }
    return is_and;
}

}  // namespace

Expected<bool> Marker::evaluate(const MarkerEnvironment& environment, std::string_view extra) const {
    return node_ ? evaluate_node(*node_, {environment, normalize_name(extra)}) : Expected<bool>(true);
}

Expected<bool> Marker::evaluate_any(const MarkerEnvironment& environment,
                                    const std::vector<std::string>& extras) const {
    if (extras.empty()) return evaluate(environment);
    for (const auto& extra : extras) {
        auto holds = evaluate(environment, extra);
        if (!holds || *holds) return holds;
    }
    return false;
}

}  // namespace envbuild::pypi
