#include "spec/context_ignore.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>

#include "base/strings.hpp"

namespace envbuild::spec {

namespace {

// The characters of UTF-8 text; a byte that is none stands for itself.
std::u32string characters_of(std::string_view text) {
    std::u32string out;
    for (std::size_t i = 0; i < text.size();) {
        const auto lead = static_cast<unsigned char>(text[i]);
        const std::size_t length = lead < 0xC0 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
        char32_t value = length == 1 ? lead : lead & (0xFFU >> (length + 1));
        for (std::size_t k = 1; k < length && i + k < text.size(); ++k)
            value = (value << 6U) | (static_cast<unsigned char>(text[i + k]) & 0x3FU);
        out += value;
        i += length;
    }
    return out;
}

// Go's filepath.Clean.
std::string clean(std::string_view pattern) {
    std::string out = std::filesystem::path(pattern).lexically_normal().generic_string();
    while (out.size() > 1 && out.ends_with('/')) out.pop_back();
    if (out.starts_with('/')) out.erase(0, 1);
    return out;
}

}  // namespace

Expected<ContextIgnore::Rule> ContextIgnore::compile(std::string_view pattern) {
    Rule rule;
    const std::u32string text = characters_of(pattern);
    const auto special = [](char32_t c) { return std::u32string_view(U"*?[]\\").contains(c); };
    for (std::size_t i = 0; i < text.size(); ++i) {
        Token token;
        if (text[i] == '*' && i + 1 < text.size() && text[i + 1] == '*') {
            i += 1;
            const bool slash = i + 1 < text.size() && text[i + 1] == '/';
            if (slash) ++i;
            // Docker compares ends for "**name": it need not be a whole segment.
            const bool plain_end =
                !slash && i == 1 && std::none_of(text.begin() + 2, text.end(), [&](char32_t c) { return special(c); });
            token.kind = i + 1 == text.size() || plain_end ? Token::Kind::Everything : Token::Kind::Folders;
        } else if (text[i] == '*') {
            token.kind = Token::Kind::Some;
        } else if (text[i] == '?') {
            token.kind = Token::Kind::One;
        } else if (text[i] == '[') {
            token.kind = Token::Kind::Class;
            ++i;
            if (i < text.size() && text[i] == '^') {
                token.negated = true;
                ++i;
            }
            const auto character = [&]() -> std::optional<char32_t> {
                if (i < text.size() && text[i] == '\\') ++i;
                if (i >= text.size()) return std::nullopt;
                return text[i++];
            };
            while (i < text.size() && text[i] != ']') {
                const auto low = character();
                auto high = low;
                if (i + 1 < text.size() && text[i] == '-' && text[i + 1] != ']') {
                    ++i;
                    high = character();
                }
                if (!low || !high || *high < *low) return fail(ErrorKind::InvalidInput, "a range in '[…]' is wrong");
                token.ranges.emplace_back(*low, *high);
            }
            if (i >= text.size()) return fail(ErrorKind::InvalidInput, "a '[' is not closed");
            if (token.ranges.empty()) return fail(ErrorKind::InvalidInput, "'[]' names no character");
        } else {
            if (text[i] == '\\' && ++i == text.size())
                return fail(ErrorKind::InvalidInput, "a '\\' stands at the end with nothing to escape");
            token.character = text[i];
        }
        rule.tokens.push_back(std::move(token));
    }
    return rule;
}

Expected<ContextIgnore> ContextIgnore::parse(std::string_view text, const std::string& file) {
    ContextIgnore out;
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    int number = 0;
    for (const auto line : split(text, '\n')) {
        ++number;
        // Only a '#' in the first column makes a comment.
        if (line.starts_with('#')) continue;
        auto pattern = trim(line);
        if (pattern.empty()) continue;
        const bool exception = pattern.starts_with('!');
        if (exception) pattern = trim(pattern.substr(1));
        const auto refuse = [&](std::string_view why) {
            return fail(ErrorKind::InvalidInput, fmt::format("{}:{}: '{}': {}", file, number, trim(line), why));
        };
        if (pattern.empty()) return refuse("'!' needs a pattern behind it");
        const std::string cleaned = clean(pattern);
        if (cleaned.empty() || cleaned == ".") continue;
        auto rule = compile(cleaned);
        if (!rule) return refuse(rule.error().message());
        rule->exception = exception;
        out.exceptions_ = out.exceptions_ || exception;
        out.rules_.push_back(std::move(*rule));
    }
    return out;
}

bool ContextIgnore::matches(const Rule& rule, std::u32string_view path) {
    using Kind = Token::Kind;
    const auto& tokens = rule.tokens;
    // The plain characters at the beginning decide most cases.
    std::size_t plain = 0;
    while (plain < tokens.size() && tokens[plain].kind == Kind::Char) {
        if (plain == path.size() || path[plain] != tokens[plain].character) return false;
        ++plain;
    }
    path.remove_prefix(plain);
    if (plain == tokens.size()) return path.empty();

    // Which prefixes of the path the tokens so far can stand for.
    std::vector<bool> reach(path.size() + 1, false);
    reach[0] = true;
    for (std::size_t k = plain; k < tokens.size(); ++k) {
        const Token& token = tokens[k];
        std::vector<bool> next(path.size() + 1, false);
        bool any = false;
        for (std::size_t t = 0; t <= path.size(); ++t) {
            const bool last_is_slash = t > 0 && path[t - 1] == '/';
            switch (token.kind) {
                case Kind::Everything:
                    any = any || reach[t];
                    next[t] = any;
                    break;
                case Kind::Folders:
                    next[t] = reach[t] || (any && last_is_slash);
                    any = any || reach[t];
                    break;
                case Kind::Some:
                    any = (any && !last_is_slash) || reach[t];
                    next[t] = any;
                    break;
                case Kind::One:
                    next[t] = t > 0 && reach[t - 1] && !last_is_slash;
                    break;
                case Kind::Char:
                    next[t] = t > 0 && reach[t - 1] && path[t - 1] == token.character;
                    break;
                case Kind::Class: {
                    if (t == 0 || !reach[t - 1]) break;
                    const char32_t c = path[t - 1];
                    const bool in = std::ranges::any_of(
                        token.ranges, [c](const auto& range) { return range.first <= c && c <= range.second; });
                    next[t] = in != token.negated;
                    break;
                }
            }
        }
        reach = std::move(next);
    }
    return reach[path.size()];
}

bool ContextIgnore::excludes(std::string_view path) const {
    const std::u32string whole = characters_of(path);
    const std::u32string_view view = whole;
    bool excluded = false;
    for (const auto& rule : rules_) {
        if (rule.exception != excluded) continue;
        bool hit = matches(rule, view);
        for (auto end = view.find('/'); !hit && end != std::u32string_view::npos; end = view.find('/', end + 1))
            hit = matches(rule, view.substr(0, end));
        if (hit) excluded = !rule.exception;
    }
    return excluded;
}

}  // namespace envbuild::spec
