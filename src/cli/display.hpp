// How a run looks: a live display on a terminal, plain lines elsewhere, errors alone with --quiet. Everything goes to
// standard error.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/reporter.hpp"

namespace envbuild::cli {

enum class ProgressMode : std::uint8_t { Auto, Plain, Tty };

struct DisplayOptions {
    ProgressMode progress = ProgressMode::Auto;
    bool quiet = false;
    int verbosity = 0;    // -v: debug lines
    bool starts = false;  // plain lines for what begins too, not only for what takes long or has ended
    bool color = false;   // from NO_COLOR, TERM and whether the output is a terminal
    bool utf8 = false;    // from LC_ALL, LC_CTYPE and LANG

    // Auto becomes Tty where `stream` is a terminal that can move its cursor and CI is not set.
    [[nodiscard]] static DisplayOptions decide(ProgressMode asked, bool quiet, int verbosity, std::FILE* stream);
};

// Writes to `stream`, which outlives it. Thread-safe.
[[nodiscard]] std::unique_ptr<Reporter> make_display(const DisplayOptions& options, std::FILE* stream);

// For what is told beside the answer: a stream that is full or closed changes nothing about the run, so a failure is
// ignored.
void write_best_effort(std::FILE* stream, std::string_view text);
template <typename... Arguments>
void tell(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    write_best_effort(stderr, fmt::format(format, std::forward<Arguments>(arguments)...));
}

// "error: message", then context and hint, indented. Trees are drawn with lines where the locale's characters are
// UTF-8, else with blanks.
[[nodiscard]] std::string format_error(const Error& error, const DisplayOptions& options);
[[nodiscard]] std::string without_tree_lines(std::string text);

// {"error": {"kind", "exit_code", "message", "context", "hint", "explanation"}} (docs/exit-codes.md).
[[nodiscard]] Json error_json(const Error& error);

}  // namespace envbuild::cli
