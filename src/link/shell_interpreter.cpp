#include "link/shell_interpreter.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace envbuild::link {

namespace {

constexpr int kMaxNesting = 100;

// Known only where and when the container runs; a script that looks at them cannot be captured.
constexpr std::array<std::string_view, 22> kRuntimeNames = {
    "HOME",        "USER",         "LOGNAME",     "PWD",     "OLDPWD", "HOSTNAME", "SHELL",  "TERM",
    "UID",         "EUID",         "RANDOM",      "SECONDS", "PPID",   "IFS",      "TMPDIR", "BASH",
    "BASH_SOURCE", "BASH_VERSION", "ZSH_VERSION", "LINENO",  "SHLVL",  "DISPLAY"};

struct Returned {};

class Interpreter {
  public:
    Interpreter(std::vector<ShellToken> tokens, const ShellFileTest& file_test, ShellState& state)
        : tokens_(std::move(tokens)), file_test_(file_test), state_(state) {}

    void run() {
        try {
            statements({}, true);
        } catch (const Returned&) {
            return;
        }
        if (peek().kind != ShellToken::Kind::End) trouble(fmt::format("'{}' comes out of place", peek().text));
    }

  private:
    [[nodiscard]] const ShellToken& peek() const { return tokens_[at_]; }
    [[noreturn]] void trouble(std::string reason) const { throw ShellTrouble{tokens_[at_].line, std::move(reason)}; }
    [[nodiscard]] bool is_operator(std::string_view text) const {
        return peek().kind == ShellToken::Kind::Operator && peek().text == text;
    }
    [[nodiscard]] bool is_keyword(std::string_view text) const {
        return peek().kind == ShellToken::Kind::Word && peek().text == text;
    }
    [[nodiscard]] bool is_separator() const { return is_operator("\n") || is_operator(";"); }

    void expect(std::string_view keyword) {
        if (!is_keyword(keyword)) trouble(fmt::format("'{}' is missing", keyword));
        ++at_;
    }

    // Up to one of the closing keywords, which is left for the caller. With `live` false nothing is done, only passed
    // over.
    void statements(const std::vector<std::string_view>& closing, bool live) {
        while (true) {
            while (is_separator()) ++at_;
            if (peek().kind == ShellToken::Kind::End) return;
            if (std::ranges::any_of(closing, [&](std::string_view word) { return is_keyword(word); })) return;
            (void)list(live);
            if (!is_separator() && peek().kind != ShellToken::Kind::End) trouble(fmt::format("uses '{}'", peek().text));
        }
    }

    // command && command || command
    bool list(bool live) {
        bool result = command(live);
        while (is_operator("&&") || is_operator("||")) {
            const bool wanted = peek().text == "&&";
            ++at_;
            while (is_operator("\n")) ++at_;
            const bool run = live && result == wanted;
            const bool next = command(run);
            if (run) result = next;
        }
        return result;
    }

    bool command(bool live) {
        if (is_keyword("if")) return if_statement(live);
        if (is_keyword("!")) {
            ++at_;
            return !command(live);
        }
        std::vector<ShellToken> words;
        while (peek().kind == ShellToken::Kind::Word) words.push_back(tokens_[at_++]);
        // Within [[ … ]] the operators belong to the test.
        if (words.empty()) trouble(fmt::format("uses '{}'", peek().text));
        for (const std::string_view keyword : {"case", "for", "while", "until", "function", "select", "{", "[[["}) {
            if (words[0].text == keyword) trouble(fmt::format("uses '{}'", keyword));
        }
        if (is_operator("(")) trouble("defines a function or opens a subshell");
        for (const std::string_view unknown : {"|", "&", "<", ">", ">>", "<<"}) {
            if (is_operator(unknown)) {
                if (live) trouble(fmt::format("uses '{}'", unknown));
                while (!is_separator() && peek().kind != ShellToken::Kind::End) ++at_;
            }
        }
        if (!live) return true;
        return simple(words);
    }

    bool if_statement(bool live) {
        if (++nesting_ > kMaxNesting) trouble("is nested too deeply");
        ++at_;
        bool done = false;
        bool taken = condition(live);
        expect("then");
        statements({"elif", "else", "fi"}, live && taken);
        done = taken;
        while (is_keyword("elif")) {
            ++at_;
            taken = condition(live && !done);
            expect("then");
            statements({"elif", "else", "fi"}, live && !done && taken);
            done = done || taken;
        }
        if (is_keyword("else")) {
            ++at_;
            statements({"fi"}, live && !done);
        }
        expect("fi");
        --nesting_;
        return true;
    }

    bool condition(bool live) {
        while (is_operator("\n")) ++at_;
        const bool result = list(live);
        while (is_separator()) ++at_;
        return result;
    }

    bool simple(const std::vector<ShellToken>& words) {
        const std::string& name = words[0].text;
        if (name == "export") return declare(words);
        if (name == "unset") return unset(words);
        if (name == ":" || name == "true" || name == "echo") {
            for (const auto& word : words) (void)expand(word);
            return true;
        }
        if (name == "false") return false;
        if (name == "return") {
            if (words.size() > 2) fail_at(words[0], "returns more than one value");
            throw Returned{};
        }
        if (name == "[" || name == "[[" || name == "test") return test(words);
        if (std::ranges::all_of(words, [](const ShellToken& word) { return !assigned_name(word).empty(); })) {
            for (const auto& word : words) assign(word, false);
            return true;
        }
        fail_at(words[0], fmt::format("runs {}", is_shell_name(name) ? name : "a command"));
    }

    [[noreturn]] static void fail_at(const ShellToken& token, std::string reason) {
        throw ShellTrouble{token.line, std::move(reason)};
    }

    // The name in "name=value", else "".
    static std::string assigned_name(const ShellToken& word) {
        if (word.parts.empty() || word.parts[0].kind != ShellPart::Kind::Text || word.parts[0].quoted) return {};
        const auto equals = word.parts[0].text.find('=');
        if (equals == std::string::npos) return {};
        const std::string name = word.parts[0].text.substr(0, equals);
        return is_shell_name(name) ? name : std::string();
    }

    void assign(const ShellToken& word, bool exported) {
        const std::string name = assigned_name(word);
        const std::string value = expand(word).substr(name.size() + 1);
        if (value.starts_with('~') && word.text.find('~') == name.size() + 1)
            fail_at(word, "uses '~', the home folder");
        ShellVariable& variable = state_.variables[name];
        variable.value = value;
        variable.exported = variable.exported || exported;
    }

    bool declare(const std::vector<ShellToken>& words) {
        for (std::size_t i = 1; i < words.size(); ++i) {
            if (!assigned_name(words[i]).empty()) {
                assign(words[i], true);
            } else if (is_shell_name(words[i].text)) {
                if (const auto found = state_.variables.find(words[i].text); found != state_.variables.end())
                    found->second.exported = true;
            } else {
                fail_at(words[i], "exports something other than a plain name");
            }
        }
        return true;
    }

    bool unset(const std::vector<ShellToken>& words) {
        for (std::size_t i = 1; i < words.size(); ++i) {
            if (i == 1 && words[i].text == "-v") continue;
            if (!is_shell_name(words[i].text)) fail_at(words[i], "unsets something other than a plain name");
            state_.variables.erase(words[i].text);
        }
        return true;
    }

    [[nodiscard]] std::string expand(const ShellToken& word) { return expand(word.parts, word.line); }

    std::string expand(const std::vector<ShellPart>& parts, int line) {
        std::string text;
        for (const auto& part : parts) {
            if (part.kind == ShellPart::Kind::Unsupported) throw ShellTrouble{line, part.text};
            text += part.kind == ShellPart::Kind::Text ? part.text : parameter(part, line);
        }
        return text;
    }

    std::string parameter(const ShellPart& part, int line) {
        const auto found = state_.variables.find(part.text);
        const bool set = found != state_.variables.end();
        if (!set && std::ranges::find(kRuntimeNames, part.text) != kRuntimeNames.end()) {
            throw ShellTrouble{line,
                               fmt::format("depends on ${}, which is known only when the container runs", part.text)};
        }
        const bool useful = set && (!part.operation.starts_with(':') || !found->second.value.empty());
        const std::string value = set ? found->second.value : std::string();
        if (part.operation.ends_with('+')) return useful ? expand(part.word, line) : std::string();
        if (part.operation.empty() || useful) return value;
        std::string fallback = expand(part.word, line);
        if (part.operation.ends_with('=')) state_.variables[part.text].value = fallback;
        return fallback;
    }

    // The words of a test after expansion; an unquoted empty one vanishes in [ … ], as it does in a shell.
    std::vector<std::string> test_words(const std::vector<ShellToken>& words, bool keep_empty) {
        std::vector<std::string> result;
        for (const auto& word : words) {
            std::string text = expand(word);
            const bool unquoted = std::ranges::none_of(word.parts, &ShellPart::quoted);
            if (unquoted && !keep_empty) {
                if (text.empty()) continue;
                if (text.find_first_of(" \t\n*?") != std::string::npos)
                    fail_at(word, "has an unquoted value with a blank or a glob");
            }
            result.push_back(std::move(text));
        }
        return result;
    }

    bool test(const std::vector<ShellToken>& tokens) {
        const std::string& name = tokens[0].text;
        std::vector<ShellToken> inner(tokens.begin() + 1, tokens.end());
        if (name != "test") {
            const std::string_view end = name == "[" ? "]" : "]]";
            if (inner.empty() || inner.back().text != end)
                fail_at(tokens[0], fmt::format("has a test without '{}'", end));
            inner.pop_back();
        }
        auto words = test_words(inner, name == "[[");
        bool negate = false;
        while (!words.empty() && words[0] == "!") {
            negate = !negate;
            words.erase(words.begin());
        }
        return negate != primary(words, tokens[0]);
    }

    bool primary(const std::vector<std::string>& words, const ShellToken& where) {
        if (words.empty()) return false;
        if (words.size() == 1) return !words[0].empty();
        if (words.size() == 2) {
            if (words[0] == "-z") return words[1].empty();
            if (words[0] == "-n") return !words[1].empty();
            if (words[0] == "-f" || words[0] == "-d" || words[0] == "-e" || words[0] == "-r") {
                const auto what = file_test_(words[1]);
                if (!what) fail_at(where, "looks for a file outside the environment");
                return words[0] == "-f" ? *what == 'f' : words[0] == "-d" ? *what == 'd' : *what != '-';
            }
        }
        if (words.size() == 3) {
            if (words[1] == "=" || words[1] == "==" || words[1] == "!=") {
                if (where.text == "[[" && words[2].find_first_of("*?[") != std::string::npos)
                    fail_at(where, "compares with a pattern");
                return (words[0] == words[2]) != (words[1] == "!=");
            }
        }
        fail_at(where, "has a test of an unknown form");
    }

    std::vector<ShellToken> tokens_;
    const ShellFileTest& file_test_;
    ShellState& state_;
    std::size_t at_ = 0;
    int nesting_ = 0;
};

}  // namespace

void interpret_shell(std::string_view script, const ShellFileTest& file_test, ShellState& state) {
    Interpreter(shell_tokens(script), file_test, state).run();
}

}  // namespace envbuild::link
