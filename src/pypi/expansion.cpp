#include "pypi/expansion.hpp"

#include <algorithm>

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
        if (const auto value = env.get(name)) {
            out.text += *value;
        } else {
            (in_user_information(text, open, end) ? out.unset_credentials : out.unset).push_back({name, open});
        }
        at = end;
    }
    out.text += text.substr(at);
    return out;
}

}  // namespace envbuild::pypi
