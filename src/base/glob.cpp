#include "base/glob.hpp"

namespace envbuild {

bool glob_matches(std::string_view pattern, std::string_view text, GlobSigns signs) {
    std::size_t p = 0;
    std::size_t t = 0;
    std::size_t star = std::string_view::npos;  // the last '*', and where in the text it may take one more
    std::size_t resume = 0;
    const auto one = [signs](char c) { return c == '?' && signs == GlobSigns::StarAndOne; };
    while (t < text.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            resume = t;
        } else if (p < pattern.size() && (one(pattern[p]) || pattern[p] == text[t])) {
            ++p;
            ++t;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            t = ++resume;
        } else {
            return false;
        }
    }
    return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

}  // namespace envbuild
