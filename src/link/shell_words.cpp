#include "link/shell_words.hpp"

#include <algorithm>

namespace envbuild::link {

namespace {

constexpr std::string_view kOperators = ";&|<>()\n";
constexpr int kMaxDepth = 50;

bool is_name_start(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_name_char(char c) {
    return is_name_start(c) || (c >= '0' && c <= '9');
}

class Lexer {
  public:
    explicit Lexer(std::string_view text) : text_(text) {}

    std::vector<ShellToken> run() {
        std::vector<ShellToken> tokens;
        while (true) {
            skip_blanks();
            ShellToken token;
            token.line = line_;
            if (at_ >= text_.size()) {
                tokens.push_back({ShellToken::Kind::Operator, "\n", {}, line_});
                tokens.push_back(std::move(token));
                return tokens;
            }
            const std::size_t begin = at_;
            if (kOperators.find(text_[at_]) != std::string_view::npos) {
                token.kind = ShellToken::Kind::Operator;
                token.text = next();
                const bool doubled = at_ < text_.size() && text_[at_] == token.text[0] && token.text != "\n" &&
                                     token.text != "(" && token.text != ")";
                if (doubled) token.text += next();
            } else {
                token.kind = ShellToken::Kind::Word;
                token.parts = read_word();
                token.text = text_.substr(begin, at_ - begin);
            }
            tokens.push_back(std::move(token));
        }
    }

  private:
    [[noreturn]] void trouble(std::string reason) const { throw ShellTrouble{line_, std::move(reason)}; }

    [[nodiscard]] char peek(std::size_t ahead = 0) const {
        return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
    }
    char next() {
        if (at_ >= text_.size()) trouble("the script ends within a word");
        if (text_[at_] == '\n') ++line_;
        return text_[at_++];
    }

    void skip_blanks() {
        while (at_ < text_.size()) {
            const char c = text_[at_];
            if (c == ' ' || c == '\t' || c == '\r') {
                ++at_;
            } else if (c == '\\' && peek(1) == '\n') {
                next();
                next();
            } else if (c == '#') {
                while (at_ < text_.size() && text_[at_] != '\n') ++at_;
            } else {
                return;
            }
        }
    }

    static void add(std::vector<ShellPart>& parts, std::string_view text, bool quoted) {
        if (!parts.empty() && parts.back().kind == ShellPart::Kind::Text && parts.back().quoted == quoted) {
            parts.back().text += text;
            return;
        }
        ShellPart part;
        part.text = text;
        part.quoted = quoted;
        parts.push_back(std::move(part));
    }

    std::vector<ShellPart> read_word() {
        std::vector<ShellPart> parts;
        while (at_ < text_.size()) {
            const char c = peek();
            if (c == ' ' || c == '\t' || c == '\r' || kOperators.find(c) != std::string_view::npos) break;
            read_piece(parts);
        }
        return parts;
    }

    void read_piece(std::vector<ShellPart>& parts) {
        const char c = next();
        switch (c) {
            case '\'': {
                const auto end = text_.find('\'', at_);
                if (end == std::string_view::npos) trouble("a quote does not end");
                add(parts, text_.substr(at_, end - at_), true);
                while (at_ <= end) next();
                return;
            }
            case '"':
                add(parts, "", true);
                while (peek() != '"') read_quoted_piece(parts);
                next();
                return;
            case '\\':
                if (peek() == '\n') {
                    next();
                } else {
                    add(parts, std::string(1, next()), true);
                }
                return;
            case '$':
                read_dollar(parts, false);
                return;
            case '`':
                read_unsupported(parts, '`', "runs a command");
                return;
            default:
                add(parts, std::string(1, c), false);
                return;
        }
    }

    void read_quoted_piece(std::vector<ShellPart>& parts) {
        if (at_ >= text_.size()) trouble("a quote does not end");
        const char c = next();
        if (c == '$') {
            read_dollar(parts, true);
        } else if (c == '`') {
            read_unsupported(parts, '`', "runs a command");
        } else if (c == '\\' && std::string_view("$`\"\\\n").find(peek()) != std::string_view::npos) {
            const char escaped = next();
            if (escaped != '\n') add(parts, std::string(1, escaped), true);
        } else {
            add(parts, std::string(1, c), true);
        }
    }

    void read_unsupported(std::vector<ShellPart>& parts, char end, std::string reason) {
        int open = 1;
        while (open > 0) {
            const char c = next();
            if (end == ')' && c == '(') ++open;
            if (c == end) --open;
        }
        ShellPart part;
        part.kind = ShellPart::Kind::Unsupported;
        part.text = std::move(reason);
        parts.push_back(std::move(part));
    }

    void read_dollar(std::vector<ShellPart>& parts, bool quoted) {
        ShellPart part;
        part.kind = ShellPart::Kind::Parameter;
        part.quoted = quoted;
        if (is_name_start(peek())) {
            while (is_name_char(peek())) part.text += next();
            parts.push_back(std::move(part));
        } else if (peek() == '{') {
            next();
            read_braces(parts, std::move(part));
        } else if (peek() == '(') {
            next();
            read_unsupported(parts, ')', "runs a command");
        } else if (std::string_view("@*#?-$!'\"0123456789").find(peek()) != std::string_view::npos &&
                   at_ < text_.size() && !(quoted && peek() == '"')) {
            part.kind = ShellPart::Kind::Unsupported;
            part.text = "uses a special parameter";
            if (peek() != '\'' && peek() != '"') next();
            parts.push_back(std::move(part));
        } else {
            add(parts, "$", quoted);
        }
    }

    void read_braces(std::vector<ShellPart>& parts, ShellPart part) {
        while (is_name_char(peek())) part.text += next();
        if (peek() == ':') part.operation += next();
        if (std::string_view("-=+").find(peek()) != std::string_view::npos) part.operation += next();
        const bool plain = part.operation.empty() && peek() == '}';
        if (!is_shell_name(part.text) || !(plain || part.operation.ends_with('-') || part.operation.ends_with('=') ||
                                           part.operation.ends_with('+'))) {
            part.kind = ShellPart::Kind::Unsupported;
            part.text = "uses an expansion other than ${name:-default}";
            for (int open = 1; open > 0;) {
                const char c = next();
                if (c == '{') ++open;
                if (c == '}') --open;
            }
            parts.push_back(std::move(part));
            return;
        }
        if (++depth_ > kMaxDepth) trouble("is nested too deeply");
        while (peek() != '}') {
            if (part.quoted && peek() != '"') {
                read_quoted_piece(part.word);
            } else {
                read_piece(part.word);
            }
        }
        --depth_;
        next();
        parts.push_back(std::move(part));
    }

    std::string_view text_;
    std::size_t at_ = 0;
    int line_ = 1;
    int depth_ = 0;
};

}  // namespace

std::vector<ShellToken> shell_tokens(std::string_view script) {
    return Lexer(script).run();
}

bool is_shell_name(std::string_view text) {
    return !text.empty() && is_name_start(text[0]) && std::ranges::all_of(text, is_name_char);
}

}  // namespace envbuild::link
