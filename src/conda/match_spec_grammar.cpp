#include "conda/match_spec_grammar.hpp"

#include "base/strings.hpp"

namespace envbuild::conda {

namespace {

bool is_alnum(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool is_key_char(char c) {
    return is_alnum(c) || (c >= 'A' && c <= 'Z') || c == '_' || c == '-';
}

bool is_delimiter(char c) {
    return c == ',' || c == ' ';
}

bool is_quote(char c) {
    return c == '\'' || c == '"';
}

struct Value {
    std::string_view text;
    std::size_t end;  // behind the delimiter
};

std::optional<Value> match_value(std::string_view content, std::size_t at) {
    if (at < content.size() && is_quote(content[at])) {
        const std::size_t close = content.find_first_of("'\"", at + 1);
        if (close == std::string_view::npos || content[close] != content[at]) return std::nullopt;
        if (close + 1 < content.size() && !is_delimiter(content[close + 1])) return std::nullopt;
        return Value{content.substr(at + 1, close - at - 1), std::min(close + 2, content.size())};
    }
    std::size_t end = at;
    while (end < content.size() && !is_delimiter(content[end])) {
        if (is_quote(content[end])) return std::nullopt;
        ++end;
    }
    return Value{content.substr(at, end - at), std::min(end + 1, content.size())};
}

}  // namespace

std::optional<std::string> cut_section(std::string& text, char open, char close) {
    const std::size_t end = text.rfind(close);
    if (end == std::string::npos || end == 0) return std::nullopt;
    const std::size_t begin = text.rfind(open, end - 1);
    if (begin == std::string::npos) return std::nullopt;
    const std::string section = text.substr(begin, end - begin + 1);
    text = replace_all(text, section, "");
    return section.substr(1, section.size() - 2);
}

BracketContent split_brackets(std::string_view content) {
    BracketContent result;
    std::size_t at = 0;
    while (at < content.size()) {
        std::size_t end = at;
        while (end < content.size() && is_key_char(content[end])) ++end;
        if (end > at && end < content.size() && content[end] == '=') {
            if (const auto value = match_value(content, end + 1)) {
                result.pairs.emplace_back(content.substr(at, end - at), value->text);
                at = value->end;
                continue;
            }
        }
        const std::size_t next = std::max(end, at + 1);
        result.rest += content.substr(at, next - at);
        at = next;
    }
    if (result.rest.find_first_not_of(", ") == std::string::npos) result.rest.clear();
    return result;
}

VersionAndBuild split_version_and_build(std::string_view text) {
    constexpr std::string_view kNoBuild = "-=,|<>~";    // what a build string cannot hold
    constexpr std::string_view kOperators = "=!|,<>~";  // what a version cannot end in before its build
    const std::size_t last = text.find_last_of(kNoBuild);
    const std::size_t from = std::max<std::size_t>(last == std::string_view::npos ? 0 : last, 1);
    const auto is_cut = [&](std::size_t k) {
        return k >= from && k + 1 < text.size() && (text[k] == ' ' || text[k] == '=') &&
               kOperators.find(text[k - 1]) == std::string_view::npos;
    };
    // The order in which conda's lazy regular expression comes to the places: it takes two characters before it takes
    // one.
    std::size_t cut = 0;
    if (is_cut(2)) {
        cut = 2;
    } else {
        for (std::size_t k = from; k < text.size() && cut == 0; ++k) {
            if (is_cut(k)) cut = k;
        }
    }
    if (cut == 0) return {std::string(text), std::nullopt};
    return {std::string(text.substr(0, cut)), std::string(trim(text.substr(cut + 1)))};
}

std::string normalize_equals(std::string version, bool has_build) {
    if (version == "=" || version == "==" || !version.starts_with('=')) return version;
    const std::string bare = version.substr(std::min(version.find_first_not_of('='), version.size()));
    if (version.starts_with("==") && !has_build) return bare;
    if (bare.find_first_of("=,|") != std::string::npos) return version;
    return has_build || bare.ends_with('*') ? bare : bare + "*";
}

std::string_view match_spec_name(std::string_view text) {
    if (const auto colons = text.rfind("::"); colons != std::string_view::npos) text.remove_prefix(colons + 2);
    return text.substr(0, text.find_first_of(" \t=<>!~[;,"));
}

bool is_package_name(std::string_view name) {
    if (name.find('*') != std::string_view::npos) return true;
    std::size_t i = name.starts_with("__") ? 2 : 0;
    if (i >= name.size() || !(is_alnum(name[i]) || (i == 0 && name[0] == '_'))) return false;
    const auto is_separator = [](char c) { return c == '.' || c == '-' || c == '_'; };
    ++i;
    if (i < name.size() && is_separator(name[i])) ++i;
    while (i < name.size()) {
        const std::size_t start = i;
        while (i < name.size() && is_alnum(name[i])) ++i;
        if (i == start) return false;
        if (i < name.size() && !is_separator(name[i])) return false;
        if (i < name.size()) ++i;
    }
    return true;
}

bool is_package_file(std::string_view text) {
    return text.ends_with(".conda") || text.ends_with(".tar.bz2");
}

std::optional<DistParts> split_dist(std::string_view file_name) {
    if (file_name.ends_with(".conda")) {
        file_name.remove_suffix(6);
    } else if (file_name.ends_with(".tar.bz2")) {
        file_name.remove_suffix(8);
    }
    const std::size_t second = file_name.rfind('-');
    if (second == std::string_view::npos || second == 0) return std::nullopt;
    const std::size_t first = file_name.rfind('-', second - 1);
    if (first == std::string_view::npos) return std::nullopt;
    return DistParts{std::string(file_name.substr(0, first)),
                     std::string(file_name.substr(first + 1, second - first - 1)),
                     std::string(file_name.substr(second + 1))};
}

}  // namespace envbuild::conda
