#include "cli/display.hpp"

#include <unistd.h>

#include <cstdlib>

#include "base/strings.hpp"
#include "cli/live_display.hpp"
#include "cli/plain_display.hpp"

namespace envbuild::cli {

DisplayOptions DisplayOptions::decide(ProgressMode asked, bool quiet, int verbosity, std::FILE* stream) {
    const auto set = [](const char* name) {
        const char* value = std::getenv(name);
        return value != nullptr && *value != 0;
    };
    const char* term = std::getenv("TERM");
    const bool terminal = ::isatty(::fileno(stream)) != 0 && term != nullptr && std::string_view(term) != "dumb";
    DisplayOptions options;
    options.quiet = quiet;
    options.verbosity = verbosity;
    options.color = terminal && !set("NO_COLOR");
    // As the C library decides it: the first of these that is set.
    for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
        const char* value = std::getenv(name);
        if (value == nullptr || *value == '\0') continue;
        const auto codeset = to_lower(value);
        options.utf8 = codeset.find("utf-8") != std::string::npos || codeset.find("utf8") != std::string::npos;
        break;
    }
    options.starts = asked == ProgressMode::Plain || verbosity > 0;
    options.progress = asked;
    if (asked == ProgressMode::Auto)
        options.progress = terminal && !set("CI") ? ProgressMode::Tty : ProgressMode::Plain;
    return options;
}

std::unique_ptr<Reporter> make_display(const DisplayOptions& options, std::FILE* stream) {
    if (options.progress == ProgressMode::Tty && !options.quiet) return std::make_unique<LiveDisplay>(options, stream);
    return std::make_unique<PlainDisplay>(options, stream);
}

void write_best_effort(std::FILE* stream, std::string_view text) {
    static_cast<void>(std::fwrite(text.data(), 1, text.size(), stream));
    static_cast<void>(std::fflush(stream));
}

std::string format_error(const Error& error, const DisplayOptions& options) {
    std::string text = options.color ? "\x1b[1;31merror:\x1b[0m " : "error: ";
    text += replace_all(error.message(), "\n", "\n  ");
    for (const auto& frame : error.context()) text += "\n  while " + frame;
    if (!error.hint().empty()) text += "\n  " + replace_all(error.hint(), "\n", "\n  ");
    return (options.utf8 ? text : without_tree_lines(std::move(text))) + "\n";
}

std::string without_tree_lines(std::string text) {
    for (const std::string_view line : {"├─", "└─"}) text = replace_all(text, line, "  ");
    return replace_all(text, "│", " ");
}

Json error_json(const Error& error) {
    auto json = Json::object();
    json.set("kind", to_string(error.kind())).set("exit_code", exit_code(error.kind()));
    json.set("message", error.message()).set("context", error.context());
    json.set("hint", error.hint().empty() ? Json() : Json(error.hint()));
    const auto details = Json::parse(error.details());
    return Json::object().set("error", json.set("explanation", details ? *details : Json()));
}

}  // namespace envbuild::cli
