#include "lock/yaml_writer.hpp"

#include <algorithm>
#include <array>

#include "base/json.hpp"
#include "base/strings.hpp"

namespace envbuild::lock {

namespace {

bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

// Words that YAML 1.1 or a loader turns into something else.
bool is_reserved(std::string_view text) {
    static constexpr std::array<std::string_view, 9> kWords = {"y",   "n",    "yes",   "no",  "on",
                                                               "off", "true", "false", "null"};
    const auto lower = to_lower(text);
    return std::find(kWords.begin(), kWords.end(), lower) != kWords.end();
}

bool is_plain(std::string_view text) {
    if (text.empty() || !is_letter(text.front()) || text.back() == ':' || is_reserved(text)) return false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (is_letter(c) || is_digit(c) || c == '.' || c == '-' || c == '/' || c == '+' || c == '@' || c == '%')
            continue;
        if (c == ':' && text[i + 1] != ' ') continue;
        return false;
    }
    return true;
}

}  // namespace

std::string yaml_scalar(std::string_view text) {
    if (is_plain(text)) return std::string(text);
    if (has_control_character(text)) return json_quote(text);
    return "'" + replace_all(text, "'", "''") + "'";
}

}  // namespace envbuild::lock
