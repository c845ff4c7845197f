#include "pypi/expansion.hpp"

#include <cctype>

#include "base/url.hpp"

namespace envbuild::pypi {

namespace {

bool is_variable_character(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// Whether [begin, end) of the text lies between a URL's "//" and its "@".
bool in_user_information(std::string_view text, std::size_t begin, std::size_t end) {
    const auto slashes = text.rfind("://", begin);
    if (slashes == std::string_view::npos) return false;
    constexpr std::string_view kEnds = "/ \t'\"#?";
    if (text.substr(slashes + 3, begin - slashes - 3).find_first_of(kEnds) != std::string_view::npos) return false;
    const auto at = text.find('@', end);
    const auto stop = text.find_first_of(kEnds, end);
    return at != std::string_view::npos && at < stop;
}

// A value as it stands in user information: what would end it is encoded. As pip's users write them, "%2F" stays, and
// "name:password" may come from one variable.
std::string encode_for_user_information(std::string_view value) {
    const auto is_hex = [](char c) { return std::isxdigit(static_cast<unsigned char>(c)) != 0; };
    std::string out;
    for (std::size_t i = 0; i < value.size(); ++i) {
        const bool encoded = value[i] == '%' && i + 2 < value.size() && is_hex(value[i + 1]) && is_hex(value[i + 2]);
        out += encoded ? "%" : percent_encode(value.substr(i, 1), ":");
    }
    return out;
}

}  // namespace

Expansion expand_variables(std::string_view text, const ProcessEnv& env) {
    Expansion out;
    std::size_t at = 0;
    while (true) {
        const auto open = text.find("${", at);
        if (open == std::string_view::npos) break;
        std::size_t end = open + 2;
        while (end < text.size() && is_variable_character(text[end])) ++end;
        if (end == open + 2 || end == text.size() || text[end] != '}') {
            out.text += text.substr(at, open + 2 - at);
            at = open + 2;
            continue;
        }
        out.text += text.substr(at, open - at);
        const std::string name(text.substr(open + 2, end - open - 2));
        ++end;
        const bool in_user_info = in_user_information(text, open, end);
        if (const auto value = env.get(name)) {
            out.text += in_user_info ? encode_for_user_information(*value) : *value;
        } else {
            (in_user_info ? out.unset_credentials : out.unset).push_back({name, open});
        }
        at = end;
    }
    out.text += text.substr(at);
    return out;
}

}  // namespace envbuild::pypi
