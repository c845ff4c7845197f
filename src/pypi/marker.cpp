#include "pypi/marker.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/strings.hpp"
#include "pypi/marker_node.hpp"
#include "pypi/requirement_line.hpp"

namespace envbuild::pypi {

namespace {

using Node = Marker::Node;
using Value = Node::Value;

struct Name {
    std::string_view written, meant;
};
constexpr std::array kNames = {
    Name{"python_version", "python_version"},
    Name{"python_full_version", "python_full_version"},
    Name{"os_name", "os_name"},
    Name{"sys_platform", "sys_platform"},
    Name{"platform_machine", "platform_machine"},
    Name{"platform_python_implementation", "platform_python_implementation"},
    Name{"platform_release", "platform_release"},
    Name{"platform_system", "platform_system"},
    Name{"platform_version", "platform_version"},
    Name{"implementation_name", "implementation_name"},
    Name{"implementation_version", "implementation_version"},
    Name{"extra", "extra"},
    Name{"extras", "extras"},
    Name{"dependency_groups", "dependency_groups"},
    Name{"os.name", "os_name"},
    Name{"sys.platform", "sys_platform"},
    Name{"platform.machine", "platform_machine"},
    Name{"platform.version", "platform_version"},
    Name{"platform.python_implementation", "platform_python_implementation"},
    Name{"python_implementation", "platform_python_implementation"},
};

bool is_name_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
}

class MarkerParser {
  public:
    explicit MarkerParser(std::string_view text) : text_(text) {}

    Expected<Node> parse() {
        auto node = parse_terms(Node::Kind::Or);
        if (!node) return node;
        skip_space();
        if (at_ != text_.size()) return refuse("expected 'and', 'or' or the end");
        return node;
    }

  private:
    static constexpr int kMaxDepth = 64;

    std::unexpected<Error> refuse(std::string_view reason) const {
        return fail(ErrorKind::InvalidInput,
                    fmt::format("the marker '{}' does not parse at character {}: {}", trim(text_), at_ + 1, reason));
    }
    void skip_space() {
        while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
    }
    bool take(std::string_view token) {
        skip_space();
        if (!text_.substr(at_).starts_with(token)) return false;
        at_ += token.size();
        return true;
    }
    bool take_word(std::string_view word) {
        const std::size_t before = at_;
        if (take(word) && (at_ == text_.size() || !is_name_character(text_[at_]))) return true;
        at_ = before;
        return false;
    }

    Expected<Node> parse_terms(Node::Kind kind) {
        Node out{kind, {}, {}, "", {}};
        do {
            auto term = kind == Node::Kind::Or ? parse_terms(Node::Kind::And) : parse_item();
            if (!term) return term;
            // "(a and b) and c" means the same without the brackets.
            if (term->kind == kind) {
                std::ranges::move(term->terms, std::back_inserter(out.terms));
            } else {
                out.terms.push_back(std::move(*term));
            }
        } while (take_word(kind == Node::Kind::Or ? "or" : "and"));
        if (out.terms.size() == 1) {
            Node only = std::move(out.terms.front());
            return only;
        }
        return out;
    }

    Expected<Node> parse_item() {
        if (take("(")) {
            if (++depth_ > kMaxDepth) return refuse("brackets are nested too deeply");
            auto inner = parse_terms(Node::Kind::Or);
            if (!inner) return inner;
            --depth_;
            if (!take(")")) return refuse("expected ')'");
            return inner;
        }
        auto left = parse_value();
        if (!left) return std::unexpected(std::move(left.error()));
        const std::string op = parse_operator();
        if (op.empty()) return refuse("expected one of <=, <, !=, ==, >=, >, ~=, ===, in, not in");
        auto right = parse_value();
        if (!right) return std::unexpected(std::move(right.error()));
        // PEP 685: names of extras compare by their normal form.
        if (left->variable && left->text == "extra" && !right->variable) right->text = normalize_name(right->text);
        if (right->variable && right->text == "extra" && !left->variable) left->text = normalize_name(left->text);
        return Node{Node::Kind::Compare, {}, std::move(*left), op, std::move(*right)};
    }

    std::string parse_operator() {
        if (take_word("in")) return "in";
        if (take_word("not")) return take_word("in") ? "not in" : "";
        for (const std::string_view op : {"===", "==", "~=", "!=", "<=", ">=", "<", ">"}) {
            if (take(op)) return std::string(op);
        }
        return "";
    }

    Expected<Value> parse_value() {
        skip_space();
        if (at_ < text_.size() && (text_[at_] == '"' || text_[at_] == '\'')) {
            const auto end = text_.find(text_[at_], at_ + 1);
            if (end == std::string_view::npos) return refuse("the quote is not closed");
            Value value{std::string(text_.substr(at_ + 1, end - at_ - 1)), false};
            // packaging reads a value as Python's literal: a backslash means itself only when doubled.
            for (std::size_t i = value.text.find('\\'); i != std::string::npos; i = value.text.find('\\', i + 2)) {
                if (i + 1 >= value.text.size() || value.text[i + 1] != '\\')
                    return refuse("a backslash is written twice");
            }
            at_ = end + 1;
            return value;
        }
        std::size_t end = at_;
        while (end < text_.size() && is_name_character(text_[end])) ++end;
        const auto word = text_.substr(at_, end - at_);
        const auto name = std::ranges::find(kNames, word, &Name::written);
        if (name == kNames.end()) {
            std::vector<std::string> names;
            for (const auto& known : kNames) names.emplace_back(known.meant);
            const std::string near = word.empty() ? "" : nearest(word, names);
            return refuse(near.empty() ? "expected a marker variable such as python_version, or a quoted text"
                                       : fmt::format("'{}' is no marker variable; did you mean {}?", word, near));
        }
        at_ = end;
        return Value{std::string(name->meant), true};
    }

    std::string_view text_;
    std::size_t at_ = 0;
    int depth_ = 0;
};

std::string print(const Value& value) {
    if (value.variable) return value.text;
    const char quote = value.text.find('"') == std::string::npos ? '"' : '\'';
    return quote + value.text + quote;
}

std::string print(const Node& node, bool in_and) {
    if (node.kind == Node::Kind::Compare) return fmt::format("{} {} {}", print(node.left), node.op, print(node.right));
    const bool is_and = node.kind == Node::Kind::And;
    std::vector<std::string> parts;
    for (const auto& term : node.terms) parts.push_back(print(term, is_and));
    const std::string text = join(parts, is_and ? " and " : " or ");
    return in_and && !is_and ? "(" + text + ")" : text;
}

}  // namespace

Expected<Marker> Marker::parse(std::string_view text) {
    auto node = MarkerParser(text).parse();
    if (!node) return std::unexpected(std::move(node.error()));
    Marker marker;
    marker.node_ = std::make_shared<const Node>(std::move(*node));
    return marker;
}

std::string Marker::to_string() const {
    return node_ ? print(*node_, false) : "";
}

}  // namespace envbuild::pypi
