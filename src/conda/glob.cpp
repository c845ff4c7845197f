#include "conda/glob.hpp"

#include <fmt/format.h>

#include <string>

namespace envbuild::conda {

bool glob_matches(std::string_view pattern, std::string_view text) {
    std::size_t p = 0, t = 0, star = std::string_view::npos, resume = 0;
    while (t < text.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            resume = t;
        } else if (p < pattern.size() && pattern[p] == text[t]) {
            ++p;
            ++t;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            t = ++resume;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == '*') ++p;
    return p == pattern.size();
}

Expected<std::regex> compile_anchored_regex(std::string_view pattern) {
    // std::regex recurses once for each character and state: short inputs keep it on the stack.
    if (pattern.size() > 512) {
        return fail(ErrorKind::InvalidInput,
                    fmt::format("a regular expression of {} characters is too long", pattern.size()));
    }
    try {
        return std::regex(pattern.begin(), pattern.end(), std::regex::ECMAScript);
    } catch (const std::regex_error& error) {
        return fail(ErrorKind::InvalidInput,
                    fmt::format("'{}' is not a regular expression: {}", pattern, error.what()));
    }
}

bool regex_matches(const std::regex& regex, std::string_view text) {
    if (text.size() > 1024) return false;
    return std::regex_search(text.begin(), text.end(), regex, std::regex_constants::match_continuous);
}

}  // namespace envbuild::conda
