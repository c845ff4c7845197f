#include "registry/challenge.hpp"

#include "base/strings.hpp"

namespace envbuild::registry {

namespace {

// RFC 9110 section 5.6.2.
bool is_token_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

struct Scanner {
    std::string_view rest;

    void skip(std::string_view characters) {
        while (!rest.empty() && characters.find(rest.front()) != std::string_view::npos) rest.remove_prefix(1);
    }
    std::string_view token() {
        std::size_t length = 0;
        while (length < rest.size() && is_token_char(rest[length])) ++length;
        const auto text = rest.substr(0, length);
        rest.remove_prefix(length);
        return text;
    }
    std::string value() {
        if (rest.empty() || rest.front() != '"') return std::string(token());
        rest.remove_prefix(1);
        std::string text;
        while (!rest.empty() && rest.front() != '"') {
            if (rest.front() == '\\' && rest.size() > 1) rest.remove_prefix(1);
            text += rest.front();
            rest.remove_prefix(1);
        }
        if (!rest.empty()) rest.remove_prefix(1);
        return text;
    }
};

}  // namespace

std::vector<Challenge> parse_challenges(std::string_view header) {
    std::vector<Challenge> challenges;
    Scanner scanner{header};
    while (true) {
        scanner.skip(" \t,");
        if (scanner.rest.empty()) return challenges;
        const auto word = scanner.token();
        if (word.empty()) {
            scanner.rest.remove_prefix(1);
            continue;
        }
        const auto after = scanner.rest;
        scanner.skip(" \t");
        // A word before '=' is a parameter of the last challenge, any other begins a challenge.
        if (!scanner.rest.empty() && scanner.rest.front() == '=' && !challenges.empty()) {
            scanner.rest.remove_prefix(1);
            scanner.skip(" \t");
            challenges.back().parameters[to_lower(word)] = scanner.value();
        } else {
            scanner.rest = after;
            challenges.push_back({to_lower(word), {}});
        }
    }
}

}  // namespace envbuild::registry
