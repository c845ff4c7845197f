#include <algorithm>
#include <array>
#include <cctype>
#include <stdexcept>

#include "base/json.hpp"
#include "dockerfile/dockerfile_support.hpp"

namespace dockerfile_test {

namespace {

std::string_view trim_left(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    return text;
}

// A line that goes on: a backslash at its end, perhaps with blanks behind it.
bool strip_continuation(std::string& line) {
    std::size_t end = line.size();
    while (end > 0 && (line[end - 1] == ' ' || line[end - 1] == '\t')) --end;
    if (end == 0 || line[end - 1] != '\\') return false;
    line.resize(end - 1);
    return true;
}

void refuse_directive(std::string_view comment) {
    std::string key;
    for (const char c : comment.substr(1)) {
        if (c == '=') {
            if (key == "escape" || key == "syntax" || key == "check")
                throw std::runtime_error("a parser directive: " + key);
            return;
        }
        if (c != ' ') key += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
}

class WordReader {
  public:
    explicit WordReader(std::string_view text) : text_(text) {}

    bool next(std::string& word) {
        while (at_ < text_.size() && text_[at_] == ' ') ++at_;
        if (at_ == text_.size()) return false;
        word.clear();
        while (at_ < text_.size() && text_[at_] != ' ') {
            const char c = text_[at_++];
            if (c == '\'') {
                single_quoted(word);
            } else if (c == '"') {
                double_quoted(word);
            } else if (c == '\\') {
                if (at_ < text_.size()) word += text_[at_++];
            } else {
                plain(c);
                word += c;
            }
        }
        return true;
    }

  private:
    void plain(char c) const {
        if (c == '$') throw std::runtime_error("a variable would be expanded");
        if (c == '<' && at_ < text_.size() && text_[at_] == '<') throw std::runtime_error("a heredoc");
    }
    void single_quoted(std::string& word) {
        while (at_ < text_.size() && text_[at_] != '\'') word += text_[at_++];
        if (at_++ >= text_.size()) throw std::runtime_error("a quote is not closed");
    }
    void double_quoted(std::string& word) {
        while (true) {
            if (at_ >= text_.size()) throw std::runtime_error("a quote is not closed");
            const char c = text_[at_++];
            if (c == '"') return;
            if (c == '$') throw std::runtime_error("a variable would be expanded");
            if (c == '\\' && at_ < text_.size() && (text_[at_] == '"' || text_[at_] == '$' || text_[at_] == '\\')) {
                word += text_[at_++];
            } else {
                word += c;
            }
        }
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

}  // namespace

std::vector<Instruction> parse_dockerfile(std::string_view text) {
    std::vector<Instruction> instructions;
    std::string current;
    bool open = false;
    bool directives = true;
    while (!text.empty()) {
        const auto newline = std::min(text.find('\n'), text.size());
        std::string line(text.substr(0, newline));
        text.remove_prefix(std::min(newline + 1, text.size()));
        if (line.size() > 65535) throw std::runtime_error("a line is too long");
        const auto trimmed = trim_left(line);
        if (trimmed.starts_with('#')) {
            if (directives) refuse_directive(trimmed);
            directives = false;  // the first comment that is no directive ends them
            continue;
        }
        directives = false;
        if (trimmed.empty()) continue;
        const bool more = strip_continuation(line);
        current += line;
        open = more;
        if (more) continue;
        const auto start = trim_left(current);
        const auto space = std::min(start.find(' '), start.size());
        Instruction instruction{std::string(start.substr(0, space)), std::string(trim_left(start.substr(space)))};
        std::ranges::transform(instruction.keyword, instruction.keyword.begin(),
                               [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
        instructions.push_back(std::move(instruction));
        current.clear();
    }
    if (open) throw std::runtime_error("the last line goes on");
    return instructions;
}

std::map<std::string, std::string> parse_pairs(std::string_view arguments) {
    std::map<std::string, std::string> pairs;
    WordReader words(arguments);
    for (std::string word; words.next(word);) {
        const auto equals = word.find('=');
        if (equals == std::string::npos) throw std::runtime_error("a word without '=': " + word);
        if (!pairs.emplace(word.substr(0, equals), word.substr(equals + 1)).second)
            throw std::runtime_error("a name twice");
    }
    return pairs;
}

std::vector<std::string> parse_exec(std::string_view arguments) {
    while (arguments.starts_with("--"))
        arguments = trim_left(arguments.substr(std::min(arguments.find(' '), arguments.size())));
    if (arguments.find('<') != std::string_view::npos || arguments.find('$') != std::string_view::npos) {
        throw std::runtime_error("a heredoc or a variable could be seen here");
    }
    const auto json = envbuild::Json::parse(arguments);
    if (!json || !json->is_array()) throw std::runtime_error("not the exec form");
    std::vector<std::string> argv;
    for (const auto& item : json->as_array()) argv.push_back(item.as_string());
    return argv;
}

std::string nasty_text(std::minstd_rand& random) {
    static constexpr std::array<std::string_view, 48> kFragments{"\\",
                                                                 "\"",
                                                                 "$",
                                                                 "${HOME}",
                                                                 "$PATH",
                                                                 "$(id)",
                                                                 "`id`",
                                                                 "#",
                                                                 "# syntax=docker/dockerfile:1",
                                                                 "# escape=`",
                                                                 "<<EOF",
                                                                 "<<-'EOF'",
                                                                 "EOF",
                                                                 "'",
                                                                 "\\n",
                                                                 "\\\\",
                                                                 "\\\"",
                                                                 "&& rm -rf /",
                                                                 "RUN x",
                                                                 "FROM y",
                                                                 "ONBUILD ",
                                                                 " ",
                                                                 "  ",
                                                                 "=",
                                                                 "a=b",
                                                                 "{{{pairs}}}",
                                                                 "{{/env}}",
                                                                 "{{",
                                                                 "}}",
                                                                 "[\"a\"]",
                                                                 "]",
                                                                 ", ",
                                                                 "|",
                                                                 ";",
                                                                 "&lt;",
                                                                 "%s",
                                                                 "\xc3\xa9",
                                                                 "\xc2\xa0",
                                                                 "\xe2\x80\xa8",
                                                                 "\xf0\x9f\x90\x8d",
                                                                 "\xe6\x97\xa5",
                                                                 "${x:-y}",
                                                                 "${x/a/b}",
                                                                 "\\u0041",
                                                                 "!",
                                                                 "^",
                                                                 "abc",
                                                                 "1.2.3"};
    std::string text;
    for (auto count = random() % 9; count > 0; --count) text += kFragments[random() % kFragments.size()];
    return text;
}

}  // namespace dockerfile_test
