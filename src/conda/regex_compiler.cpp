#include <fmt/format.h>

#include <cctype>
#include <charconv>
#include <memory>
#include <optional>
#include <string>

#include "conda/regex_program.hpp"

namespace envbuild::conda {

namespace {

using Kind = RegexStep::Kind;
using Bytes = std::bitset<256>;

constexpr std::size_t kLongestPattern = 512;
constexpr std::size_t kMostSteps = 4096;

struct Node {
    enum class Form : std::uint8_t { Empty, Step, Sequence, Choice, Repeat };
    Form form = Form::Empty;
    RegexStep step;           // of Step; a look-ahead's is the child
    std::vector<Node> nodes;  // of Sequence, Choice; of Repeat and of a look-ahead the one
    int least = 0;            // of Repeat
    std::optional<int> most;
};

Bytes range(unsigned char first, unsigned char last) {
    Bytes out;
    for (unsigned c = first; c <= last; ++c) out.set(c);
    return out;
}

// The class that a letter behind '\' names.
std::optional<Bytes> named_class(char letter) {
    const Bytes digits = range('0', '9');
    const Bytes spaces = range('\t', '\r') | range(' ', ' ');
    const Bytes words = digits | range('a', 'z') | range('A', 'Z') | range('_', '_');
    switch (letter) {
        case 'd':
            return digits;
        case 'D':
            return ~digits;
        case 's':
            return spaces;
        case 'S':
            return ~spaces;
        case 'w':
            return words;
        case 'W':
            return ~words;
        default:
            return std::nullopt;
    }
}

class Parser {
  public:
    explicit Parser(std::string_view pattern) : pattern_(pattern) {}

    Node parse() {
        Node node = choice();
        if (!at_end()) refuse("a ')' has no '('");
        return node;
    }

  private:
    [[noreturn]] void refuse(std::string_view why) const {
        throw Error(ErrorKind::InvalidInput, fmt::format("'{}' is not a regular expression: {}", pattern_, why));
    }
    [[nodiscard]] bool at_end() const { return at_ == pattern_.size(); }
    [[nodiscard]] char peek() const { return at_end() ? '\0' : pattern_[at_]; }
    char next() {
        if (at_end()) refuse("it breaks off");
        return pattern_[at_++];
    }
    bool take(std::string_view text) {
        if (!pattern_.substr(at_).starts_with(text)) return false;
        at_ += text.size();
        return true;
    }

    static Node step(Kind kind, Bytes bytes = {}) {
        Node node;
        node.form = Node::Form::Step;
        node.step.kind = kind;
        node.step.bytes = bytes;
        return node;
    }

    Node choice() {
        Node out;
        out.form = Node::Form::Choice;
        do out.nodes.push_back(sequence());
        while (take("|"));
        return out;
    }

    Node sequence() {
        Node out;
        out.form = Node::Form::Sequence;
        while (!at_end() && peek() != '|' && peek() != ')') {
            Node node = atom();
            while (auto repeat = repetition()) {
                repeat->nodes.push_back(std::move(node));
                node = std::move(*repeat);
            }
            out.nodes.push_back(std::move(node));
        }
        return out;
    }

    std::optional<Node> repetition() {
        Node out;
        out.form = Node::Form::Repeat;
        if (take("*")) {
            out.least = 0;
        } else if (take("+")) {
            out.least = 1;
        } else if (take("?")) {
            out.most = 1;
        } else if (peek() == '{' && !at_end()) {
            if (!counts(out)) return std::nullopt;
        } else {
            return std::nullopt;
        }
        take("?");
        return out;
    }

    // "{2}", "{2,}", "{2,5}"; any other brace stands for itself, as in Python.
    bool counts(Node& out) {
        const auto close = pattern_.find('}', at_);
        if (close == std::string_view::npos) return false;
        const auto inside = pattern_.substr(at_ + 1, close - at_ - 1);
        const auto comma = inside.find(',');
        const auto number = [&](std::string_view digits) -> std::optional<int> {
            int value = 0;
            const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
            if (digits.empty() || error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
            if (value < 0 || value > 1000) refuse("a repetition counts to 1000 at most");
            return value;
        };
        const auto least = number(inside.substr(0, comma));
        if (!least) return false;
        out.least = *least;
        if (comma == std::string_view::npos) {
            out.most = least;
        } else if (comma + 1 < inside.size()) {
            out.most = number(inside.substr(comma + 1));
            if (!out.most) return false;
            if (*out.most < *least) refuse("a repetition's counts are the wrong way round");
        }
        at_ = close + 1;
        return true;
    }

    Node atom() {
        const char c = next();
        switch (c) {
            case '.':
                return step(Kind::Byte, ~(range('\n', '\n') | range('\r', '\r')));
            case '^':
                return step(Kind::Begin);
            case '$':
                return step(Kind::End);
            case '(':
                return group();
            case '[':
                return step(Kind::Byte, bracket());
            case '\\':
                return escape();
            case '*':
            case '+':
            case '?':
                refuse(fmt::format("'{}' has nothing to repeat", c));
            default:
                return step(Kind::Byte, range(static_cast<unsigned char>(c), static_cast<unsigned char>(c)));
        }
    }

    Node group() {
        std::optional<Kind> look;
        if (take("?=")) {
            look = Kind::LookAhead;
        } else if (take("?!")) {
            look = Kind::NotLookAhead;
        } else if (take("?<=") || take("?<!")) {
            refuse("look-behind is not supported");
        } else if (take("?P<") || take("?<")) {
            while (next() != '>') continue;
        } else if (!take("?:") && peek() == '?') {
            refuse("this kind of group is not supported");
        }
        Node inside = choice();
        if (!take(")")) refuse("a '(' is not closed");
        if (!look) return inside;
        Node out = step(*look);
        out.nodes.push_back(std::move(inside));
        return out;
    }

    Node escape() {
        const char c = peek();
        if (c == 'b' || c == 'B' || c == 'A' || c == 'Z') {
            ++at_;
            return step(c == 'b'   ? Kind::WordBoundary
                        : c == 'B' ? Kind::NotWordBoundary
                        : c == 'A' ? Kind::Begin
                                   : Kind::End);
        }
        if (c >= '1' && c <= '9') refuse("back references are not supported");
        return step(Kind::Byte, escaped_bytes());
    }

    // Behind a '\', in a class and outside.
    Bytes escaped_bytes() {
        const char c = next();
        if (auto named = named_class(c)) return *named;
        const auto one = [](int value) {
            return range(static_cast<unsigned char>(value), static_cast<unsigned char>(value));
        };
        switch (c) {
            case 't':
                return one('\t');
            case 'n':
                return one('\n');
            case 'r':
                return one('\r');
            case 'f':
                return one('\f');
            case 'v':
                return one('\v');
            case '0':
                return one(0);
            case 'x': {
                const auto digits = pattern_.substr(at_, 2);
                int value = 0;
                const auto end = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16).ptr;
                if (digits.size() != 2 || end != digits.data() + 2) refuse("'\\x' is followed by two hex digits");
                at_ += 2;
                return one(value);
            }
            default:
                if (std::isalnum(static_cast<unsigned char>(c)) != 0) refuse(fmt::format("'\\{}' is unknown", c));
                return one(static_cast<unsigned char>(c));
        }
    }

    Bytes bracket() {
        const bool negated = take("^");
        Bytes out;
        bool first = true;
        while (true) {
            if (at_end()) refuse("a '[' is not closed");
            char c = next();
            if (c == ']' && !first) break;
            first = false;
            if (c == '[' && (peek() == ':' || peek() == '.' || peek() == '='))
                refuse("POSIX classes are not supported");
            Bytes low = range(static_cast<unsigned char>(c), static_cast<unsigned char>(c));
            if (c == '\\') low = take("b") ? range('\b', '\b') : escaped_bytes();
            if (peek() != '-' || at_ + 1 >= pattern_.size() || pattern_[at_ + 1] == ']') {
                out |= low;
                continue;
            }
            ++at_;
            c = next();
            const Bytes high =
                c == '\\' ? escaped_bytes() : range(static_cast<unsigned char>(c), static_cast<unsigned char>(c));
            if (low.count() != 1 || high.count() != 1) refuse("a range in '[]' goes from a character to a character");
            const auto from = static_cast<unsigned char>(low._Find_first()),
                       to = static_cast<unsigned char>(high._Find_first());
            if (from > to) refuse("a range in '[]' is the wrong way round");
            out |= range(from, to);
        }
        return negated ? ~out : out;
    }

    std::string_view pattern_;
    std::size_t at_ = 0;
};

// Backwards: each node is given the step that follows it and gives the one that it begins with.
class Emitter {
  public:
    std::vector<RegexStep> steps;

    std::uint32_t emit(const Node& node, std::uint32_t after) {
        // Empty groups add no step, however often they are repeated.
        if (++visits_ > 16 * kMostSteps) refuse();
        switch (node.form) {
            case Node::Form::Empty:
                return after;
            case Node::Form::Step:
                return emit_step(node, after);
            case Node::Form::Sequence:
                for (auto part = node.nodes.rbegin(); part != node.nodes.rend(); ++part) after = emit(*part, after);
                return after;
            case Node::Form::Choice: {
                std::uint32_t begin = emit(node.nodes.back(), after);
                for (std::size_t i = node.nodes.size() - 1; i-- > 0;) begin = split(emit(node.nodes[i], after), begin);
                return begin;
            }
            case Node::Form::Repeat:
                break;
        }
        const Node& body = node.nodes.front();
        std::uint32_t begin = after;
        if (node.most) {
            for (int i = node.least; i < *node.most; ++i) begin = split(emit(body, begin), after);
        } else {
            begin = split(after, after);
            const std::uint32_t loop = begin;
            const std::uint32_t inside = emit(body, loop);
            steps[loop].next = inside;
        }
        for (int i = 0; i < node.least; ++i) begin = emit(body, begin);
        return begin;
    }

    std::uint32_t add(RegexStep step) {
        if (steps.size() >= kMostSteps) refuse();
        steps.push_back(step);
        return static_cast<std::uint32_t>(steps.size() - 1);
    }

  private:
    [[noreturn]] static void refuse() {
        throw Error(ErrorKind::InvalidInput, "a regular expression repeats itself too often");
    }

    std::uint32_t emit_step(const Node& node, std::uint32_t after) {
        RegexStep step = node.step;
        step.next = after;
        if (!node.nodes.empty()) step.other = emit(node.nodes.front(), add({}));
        return add(step);
    }

    std::uint32_t split(std::uint32_t next, std::uint32_t other) {
        RegexStep step;
        step.kind = Kind::Split;
        step.next = next;
        step.other = other;
        return add(step);
    }

    std::size_t visits_ = 0;
};

}  // namespace

Expected<Regex::Program> compile_regex(std::string_view pattern) {
    if (pattern.size() > kLongestPattern) {
        return fail(ErrorKind::InvalidInput,
                    fmt::format("a regular expression of {} characters is too long", pattern.size()));
    }
    try {
        const Node root = Parser(pattern).parse();
        Emitter emitter;
        const std::uint32_t match = emitter.add({});
        Regex::Program program;
        program.begin = emitter.emit(root, match);
        program.steps = std::move(emitter.steps);
        return program;
    } catch (Error& error) {
        return std::unexpected(std::move(error));
    }
}

}  // namespace envbuild::conda
