#include "spec/json_fault.hpp"

#include <algorithm>

namespace envbuild::spec {

namespace {

constexpr int kDepth = 256;
constexpr std::string_view kDigits = "0123456789";

struct Slip {
    std::size_t at;
    std::string message;
};

class Scanner {
  public:
    explicit Scanner(std::string_view text) : text_(text) {}

    void document() {
        value(0);
        skip();
        if (at_ < text_.size()) slip("something stands behind the end");
    }

  private:
    [[noreturn]] void slip(std::string message) const { throw Slip{at_, std::move(message)}; }

    void skip() { at_ = std::min(text_.find_first_not_of(" \t\r\n", at_), text_.size()); }

    [[nodiscard]] char here() const { return at_ < text_.size() ? text_[at_] : '\0'; }

    bool take(char c) {
        skip();
        if (here() != c) return false;
        ++at_;
        return true;
    }

    void value(int depth) {
        if (depth > kDepth) throw Slip{std::string_view::npos, ""};
        skip();
        switch (here()) {
            case '{':
                return object(depth);
            case '[':
                return array(depth);
            case '"':
                return string();
            case '\'':
                slip("texts stand in double quotes");
            case '/':
            case '#':
                slip("JSON has no comments");
            case '}':
            case ']':
            case ',':
                slip("a value is missing");
            case '\0':
                slip("the text ends where a value is missing");
            default:
                return word();
        }
    }

    void object(int depth) {
        const auto open = at_++;
        if (take('}')) return;
        while (true) {
            skip();
            if (here() == '}') slip("no comma stands before a closing brace");
            if (here() == '\0') unclosed(open, '}');
            if (here() != '"')
                slip(here() == '/' || here() == '#' ? "JSON has no comments" : "keys stand in double quotes");
            string();
            if (!take(':')) slip("a ':' is missing behind the key");
            value(depth + 1);
            if (take('}')) return;
            if (!take(',')) here() == '\0' ? unclosed(open, '}') : slip("a comma or '}' is missing");
        }
    }

    void array(int depth) {
        const auto open = at_++;
        if (take(']')) return;
        while (true) {
            skip();
            if (here() == ']') slip("no comma stands before a closing bracket");
            value(depth + 1);
            if (take(']')) return;
            if (!take(',')) here() == '\0' ? unclosed(open, ']') : slip("a comma or ']' is missing");
        }
    }

    [[noreturn]] void unclosed(std::size_t open, char close) {
        at_ = open;
        slip(std::string("what is opened here is never closed: '") + close + "' is missing");
    }

    void string() {
        const auto open = at_++;
        for (; at_ < text_.size(); ++at_) {
            const char c = text_[at_];
            if (c == '"') {
                ++at_;
                return;
            }
            if (static_cast<unsigned char>(c) < 0x20)
                slip(c == '\n' ? "a text ends on its line; a line end is \\n"
                               : "a control character is written \\u00XX");
            if (c == '\\') escape();
        }
        at_ = open;
        slip("the text that begins here has no closing quote");
    }

    // Leaves at its last character.
    void escape() {
        const char c = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
        if (c == 'u') {
            const auto hex = text_.substr(at_ + 2, 4);
            if (hex.size() < 4 || hex.find_first_not_of("0123456789abcdefABCDEF") != std::string_view::npos)
                slip("behind \\u stand four hexadecimal digits");
            at_ += 5;
            return;
        }
        if (c == '\0' || std::string_view("\"\\/bfnrt").find(c) == std::string_view::npos)
            slip("a backslash is written \\\\");
        ++at_;
    }

    void word() {
        for (const std::string_view name : {"true", "false", "null"}) {
            if (text_.substr(at_).starts_with(name)) {
                at_ += name.size();
                return;
            }
        }
        number();
    }

    void number() {
        const auto begin = at_;
        if (here() == '-') ++at_;
        const auto digits = [this] {
            const auto end = std::min(text_.find_first_not_of(kDigits, at_), text_.size());
            const bool some = end > at_;
            at_ = end;
            return some;
        };
        const auto bad = [&] {
            at_ = begin;
            slip("this is no value: texts stand in double quotes, and there are numbers, true, false and null");
        };
        const bool zero = here() == '0';
        const auto first = at_;
        if (!digits() || (zero && at_ > first + 1)) bad();
        if (here() == '.') {
            ++at_;
            if (!digits()) bad();
        }
        if (here() == 'e' || here() == 'E') {
            ++at_;
            if (here() == '+' || here() == '-') ++at_;
            if (!digits()) bad();
        }
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

}  // namespace

std::optional<JsonFault> find_json_fault(std::string_view text) {
    try {
        Scanner(text).document();
    } catch (const Slip& slip) {
        if (slip.at == std::string_view::npos) return std::nullopt;
        const auto before = text.substr(0, slip.at);
        const auto start = before.rfind('\n') + 1;  // 0 where there is none
        return JsonFault{static_cast<int>(std::ranges::count(before, '\n')) + 1, static_cast<int>(slip.at - start) + 1,
                         slip.message};
    }
    return std::nullopt;
}

}  // namespace envbuild::spec
