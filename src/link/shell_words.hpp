// Splits simple shell scripts into words and operators (POSIX.1-2017, Shell Command Language, 2.3). Used by activation
// alone.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace envbuild::link {

// A piece of a word: text, or a parameter to be expanded.
struct ShellPart {
    enum class Kind : std::uint8_t {
        Text,
        Parameter,    // $name or ${name<operation>word}
        Unsupported,  // something that only a real shell can do; `text` says what
    };
    Kind kind = Kind::Text;
    std::string text;       // Text: the characters; Parameter: the name
    std::string operation;  // "", ":-", "-", ":=", "=", ":+", "+"
    std::vector<ShellPart> word;
    bool quoted = false;
};

struct ShellToken {
    enum class Kind : std::uint8_t {
        Word,
        Operator,
        End
    };  // Operator: "\n", ";", "&&", "||", and others that mean trouble
    Kind kind = Kind::End;
    std::string text;  // of an operator; of a word: its characters as written, to tell keywords
    std::vector<ShellPart> parts;
    int line = 0;
};

// Thrown, and caught by the interpreter: what was not understood, and where.
struct ShellTrouble {
    int line = 0;
    std::string reason;
};

// Ends with an End token. Throws ShellTrouble where the text is no shell (an open quote).
[[nodiscard]] std::vector<ShellToken> shell_tokens(std::string_view script);
[[nodiscard]] bool is_shell_name(std::string_view text);

}  // namespace envbuild::link
