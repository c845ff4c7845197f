#include <fmt/format.h>

#include <array>

#include "base/strings.hpp"
#include "conda/version_spec_node.hpp"

namespace envbuild::conda {

namespace {

using Node = VersionSpec::Node;
using Kind = Node::Kind;

std::unexpected<Error> invalid(std::string message) {
    return fail(ErrorKind::InvalidInput, std::move(message));
}

std::shared_ptr<Node> simple(Kind kind, std::string_view text) {
    auto node = std::make_shared<Node>();
    node->kind = kind;
    node->text = text;
    return node;
}

Expected<std::shared_ptr<Node>> relation(Kind kind, std::string_view version_text) {
    auto node = std::make_shared<Node>();
    node->kind = kind;
    auto version = Version::parse(version_text);
    if (!version) return std::unexpected(std::move(version.error()));
    node->version = std::move(*version);
    if (kind == Kind::StartsWith || kind == Kind::NotStartsWith) node->prefix.emplace(node->version);
    if (kind == Kind::Compatible) {
        const std::string text = node->version.normalized();
        const std::size_t dot = text.rfind('.');
        auto series = dot == std::string::npos ? Expected<Version>(fail(ErrorKind::InvalidInput, ""))
                                               : Version::parse(text.substr(0, dot));
        if (!series) {
            return std::unexpected(
                Error(ErrorKind::InvalidInput, fmt::format("'~={}' needs a version of two parts or more", version_text))
                    .with_hint(fmt::format("did you mean '>={0}' or '={0}'?", version_text)));
        }
        node->prefix.emplace(*series);
    }
    return node;
}

struct Operator {
    std::string_view text;
    Kind kind;
};
constexpr std::array kOperators = {
    Operator{"==", Kind::Equal},        Operator{"!=", Kind::NotEqual},   Operator{"<=", Kind::LessEqual},
    Operator{">=", Kind::GreaterEqual}, Operator{"~=", Kind::Compatible}, Operator{"=", Kind::StartsWith},
    Operator{"<", Kind::Less},          Operator{">", Kind::Greater},
};

bool is_operator_char(char c) {
    return c == '=' || c == '<' || c == '>' || c == '!' || c == '~';
}

bool has_space(std::string_view text) {
    return text.find_first_of(" \t\n\v\f\r") != std::string_view::npos;
}

Error invalid_operator(std::string_view text) {
    auto error = Error(ErrorKind::InvalidInput, fmt::format("'{}' has no valid operator", text));
    std::size_t n = 0;
    while (n < text.size() && is_operator_char(text[n])) ++n;
    const std::string_view rest = trim(text.substr(n));
    if (rest.empty()) {
        return Error(ErrorKind::InvalidInput, fmt::format("no version stands behind the operator '{}'", text));
    }
    const std::string_view op = text.substr(0, n);
    const std::string_view meant = op == "=>"                              ? ">="
                                   : op == "=<"                            ? "<="
                                   : op == "=!" || op == "!" || op == "<>" ? "!="
                                   : op == "==="                           ? "=="
                                   : op == "~"                             ? "~="
                                                                           : "";
    if (meant.empty()) return error;
    return std::move(error).with_hint(fmt::format("did you mean '{}{}'?", meant, rest));
}

// version_relation_re, and what get_matcher does with a ".*" at the end.
Expected<std::shared_ptr<Node>> parse_relation(std::string_view text) {
    for (const Operator& op : kOperators) {
        if (!text.starts_with(op.text)) continue;
        std::string_view version = text.substr(op.text.size());
        if (version.empty() || is_operator_char(version.front()) || has_space(version)) break;
        Kind kind = op.kind;
        if (version.ends_with(".*")) {
            if (kind == Kind::Compatible) return invalid(fmt::format("'{}': '~=' and '.*' do not go together", text));
            version.remove_suffix(2);
            if (kind == Kind::NotEqual) kind = Kind::NotStartsWith;
        }
        return relation(kind, version);
    }
    return std::unexpected(invalid_operator(text));
}

std::string_view strip_right(std::string_view text, char c) {
    while (text.ends_with(c)) text.remove_suffix(1);
    return text;
}

// get_matcher for what holds neither ',' nor '|' nor parentheses.
Expected<std::shared_ptr<Node>> parse_atom(std::string_view text) {
    text = trim(text);
    if (text.empty()) return invalid("an empty version");
    if (text.front() == '^' || text.back() == '$') {
        if (text.front() != '^' || text.back() != '$') {
            return invalid(fmt::format("'{}': a regular expression starts with '^' and ends with '$'", text));
        }
        auto regex = Regex::parse(text);
        if (!regex) return std::unexpected(std::move(regex.error()));
        auto node = std::make_shared<Node>();
        node->kind = Kind::Regex;
        node->text = text;
        node->regex = std::move(*regex);
        return node;
    }
    if (is_operator_char(text.front())) return parse_relation(text);
    if (text == "*") return simple(Kind::Any, "");
    if (strip_right(text, '*').find('*') != std::string_view::npos) {
        if (text.find_first_of("=<>~") != std::string_view::npos)
            return invalid(fmt::format("'{}': an operator in the middle of a version", text));
        return simple(Kind::Glob, text);
    }
    if (text.ends_with('*')) {
        if (text.ends_with(".*")) return relation(Kind::StartsWith, strip_right(strip_right(text, '*'), '.'));
        // conda makes "1.0*" into "1.0.*" first.
        return relation(Kind::StartsWith,
                        strip_right(strip_right(std::string(text.substr(0, text.size() - 1)) + ".", '*'), '.'));
    }
    if (text.find('@') == std::string_view::npos) return relation(Kind::Equal, text);
    return simple(Kind::Literal, text);
}

// The shunting-yard of conda's treeify. Its ways with malformed text are kept where they end in an error; a value that
// it would silently drop ("1.0(2.0)") is an error here.
class ExpressionParser {
  public:
    explicit ExpressionParser(std::string_view text) : text_(text) {}

    Expected<VersionSpecNode> parse() {
        if (auto error = push('(')) return std::unexpected(std::move(*error));
        std::size_t at = 0;
        while (at < text_.size()) {
            const std::size_t start = text_.find_first_not_of(" \t\n\v\f\r", at);
            if (start == std::string_view::npos) break;
            const char c = text_[start];
            std::optional<Error> error;
            if (c == '^' && text_.find('$', start) != std::string_view::npos) {
                at = text_.find('$', start) + 1;
                error = operand(text_.substr(start, at - start));
            } else if (c == '(' || c == ')' || c == '|' || c == ',') {
                at = start + 1;
                error = push(c);
            } else {
                at = std::min(text_.find_first_of("()|,", start), text_.size());
                error = operand(text_.substr(start, at - start));
            }
            if (error) return std::unexpected(std::move(*error));
        }
        if (auto error = push(')')) return std::unexpected(std::move(*error));
        if (!stack_.empty()) return invalid(fmt::format("'{}' has a parenthesis that is not closed", text_));
        if (output_.empty()) return invalid(fmt::format("'{}' holds no version", text_));
        if (output_.size() > 1) return invalid(fmt::format("'{}': ',' or '|' is missing between two parts", text_));
        return output_.back();
    }

  private:
    std::optional<Error> operand(std::string_view text) {
        auto node = parse_atom(text);
        if (!node) return std::move(node.error());
        output_.push_back(std::move(*node));
        return std::nullopt;
    }

    std::optional<Error> reduce(std::string_view stop) {
        while (!stack_.empty() && stop.find(stack_.back()) == std::string_view::npos) {
            if (output_.size() < 2) {
                return Error(ErrorKind::InvalidInput,
                             fmt::format("'{}': nothing stands on one side of '{}'", text_, stack_.back()));
            }
            const Kind kind = stack_.back() == ',' ? Kind::And : Kind::Or;
            stack_.pop_back();
            const std::shared_ptr<Node> right = std::move(output_.back());
            output_.pop_back();
            std::shared_ptr<Node>& left = output_.back();
            if (left->kind != kind) {
                auto joined = std::make_shared<Node>();
                joined->kind = kind;
                joined->children.push_back(std::move(left));
                left = std::move(joined);
            }
            // Into what is there: a copy for each of thousands of parts would take the square of their number.
            if (right->kind == kind) {
                left->children.insert(left->children.end(), right->children.begin(), right->children.end());
            } else {
                left->children.push_back(right);
            }
        }
        return std::nullopt;
    }

    std::optional<Error> push(char c) {
        if (c == '(') {
            if (stack_.size() > 200)
                return Error(ErrorKind::InvalidInput, "a version expression with too many parentheses");
            stack_.push_back(c);
            return std::nullopt;
        }
        if (auto error = reduce(c == ',' ? "|(" : "(")) return error;
        if (c != ')') {
            stack_.push_back(c);
            return std::nullopt;
        }
        if (stack_.empty()) return Error(ErrorKind::InvalidInput, fmt::format("'{}' has a ')' without a '('", text_));
        stack_.pop_back();
        return std::nullopt;
    }

    std::string_view text_;
    std::vector<std::shared_ptr<Node>> output_;  // nobody else holds any
    std::vector<char> stack_;
};

}  // namespace

Expected<VersionSpecNode> parse_version_expression(std::string_view text) {
    if (text.find_first_of("()|,^$") == std::string_view::npos) return parse_atom(text);
    return ExpressionParser(text).parse();
}

}  // namespace envbuild::conda
