// What is wrong or risky in a user's file, with the place: collected by readers that look at the whole file before they
// give up.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace envbuild {

// A place in a user's file; lines and columns count from 1, 0 is unknown. The column counts characters, as editors do.
struct SourcePlace {
    std::string file;
    int line = 0;
    int column = 0;
    [[nodiscard]] std::string to_string() const;  // "file:3:5", "file:3", "file"
    auto operator<=>(const SourcePlace&) const = default;
};

struct Diagnostic {
    enum class Severity : std::uint8_t { Error, Warning, Note };

    Severity severity = Severity::Error;
    SourcePlace place;
    std::string message;  // one line, without the place
    std::string hint;     // what to do next; may be empty
    std::string excerpt;  // the line of the file and a caret under it (two lines); may be empty

    // "file:3:5: warning: message", then the excerpt and the hint, a line each.
    [[nodiscard]] std::string to_string() const;
    // The same without the word, for those who say it themselves.
    [[nodiscard]] std::string located_message() const;
    // The same as an Error(InvalidInput).
    [[nodiscard]] Error to_error() const;
};

// The line as it stands and a caret under character `column` (from 1), or "" where the line is empty or too long to
// help.
[[nodiscard]] std::string caret_excerpt(std::string_view line, int column);

}  // namespace envbuild
