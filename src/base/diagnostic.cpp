#include "base/diagnostic.hpp"

#include <fmt/format.h>

#include "base/strings.hpp"
#include "base/url.hpp"

namespace envbuild {

std::string SourcePlace::to_string() const {
    if (line == 0) return file;
    if (column == 0) return fmt::format("{}:{}", file, line);
    return fmt::format("{}:{}:{}", file, line, column);
}

namespace {

std::string text_of(const Diagnostic& diagnostic, std::string_view word) {
    std::string text = diagnostic.place.file.empty() ? "" : diagnostic.place.to_string() + ": ";
    text.append(word).append(diagnostic.message);
    if (!diagnostic.excerpt.empty()) text.append("\n").append(diagnostic.excerpt);
    if (!diagnostic.hint.empty()) text.append("\n  ").append(replace_all(diagnostic.hint, "\n", "\n  "));
    return text;
}

}  // namespace

std::string Diagnostic::to_string() const {
    return text_of(*this, severity == Severity::Error     ? "error: "
                          : severity == Severity::Warning ? "warning: "
                                                          : "note: ");
}

std::string Diagnostic::located_message() const {
    return text_of(*this, "");
}

Error Diagnostic::to_error() const {
    Error error(ErrorKind::InvalidInput, place.file.empty() ? message : place.to_string() + ": " + message);
    // Error::to_string() indents a hint's lines itself.
    std::string next = replace_all(excerpt, "\n  ", "\n");
    if (next.starts_with("  ")) next.erase(0, 2);
    if (!hint.empty()) next += (next.empty() ? "" : "\n") + hint;
    if (next.empty()) return error;
    return std::move(error).with_hint(std::move(next));
}

std::string caret_excerpt(std::string_view line, int column) {
    constexpr std::size_t kTooLong = 160;
    if (line.empty() || line.size() > kTooLong || column < 1) return "";
    // A line that holds a credential is not repeated.
    if (redact(line) != line) return "";
    std::string caret = "  ";
    int at = 1;
    for (const char c : line) {
        if ((static_cast<unsigned char>(c) & 0xC0U) == 0x80U) continue;
        if (at == column) break;
        caret += c == '\t' ? '\t' : ' ';
        ++at;
    }
    return fmt::format("  {}\n{}^", line, caret);
}

}  // namespace envbuild
