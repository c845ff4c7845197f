// .dockerignore, as Docker's pattern matcher reads it (context_tree.hpp). Internal to this folder.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"

namespace envbuild::spec {

// An immutable value.
class ContextIgnore {
  public:
    ContextIgnore() = default;
    // InvalidInput at `file`:line for a pattern that Docker refuses.
    [[nodiscard]] static Expected<ContextIgnore> parse(std::string_view text, const std::string& file);

    // `path` is relative to the context, with '/'. Folders above it count too.
    [[nodiscard]] bool excludes(std::string_view path) const;
    // Whether something below an excluded folder may be taken back, so that it has to be looked through.
    [[nodiscard]] bool has_exceptions() const { return exceptions_; }

  private:
    struct Token {
        enum class Kind : std::uint8_t {
            Char,
            One,         // "?": a character, not '/'
            Some,        // "*": any number of them
            Folders,     // "**": nothing, or anything that ends in '/'
            Everything,  // "**" at the end
            Class,       // "[a-z]"
        };
        Kind kind = Kind::Char;
        char32_t character = 0;
        bool negated = false;                                    // of a Class
        std::vector<std::pair<char32_t, char32_t>> ranges = {};  // of a Class
    };
    struct Rule {
        std::vector<Token> tokens;
        bool exception = false;
    };
    [[nodiscard]] static bool matches(const Rule& rule, std::u32string_view path);
    [[nodiscard]] static Expected<Rule> compile(std::string_view pattern);

    std::vector<Rule> rules_;
    bool exceptions_ = false;
};

}  // namespace envbuild::spec
