#include "spec/lint.hpp"

#include <algorithm>

#include "spec/lint_rules.hpp"
#include "spec/reading.hpp"

namespace envbuild::spec {

namespace {

std::size_t count(const std::vector<Diagnostic>& diagnostics, Diagnostic::Severity severity) {
    return static_cast<std::size_t>(std::ranges::count(diagnostics, severity, &Diagnostic::severity));
}

}  // namespace

std::size_t LintReport::errors() const {
    return count(diagnostics, Diagnostic::Severity::Error);
}
std::size_t LintReport::warnings() const {
    return count(diagnostics, Diagnostic::Severity::Warning);
}

LintReport lint_environment_text(std::string_view bytes, const std::string& file,
                                 const std::filesystem::path& directory, const ReadOptions& options) {
    Reading reading = read_all(bytes, file, directory, options);
    find_risks(reading, options);
    LintReport report;
    report.kind = reading.kind;
    report.file = reading.file;
    const bool ok = reading.ok();
    report.diagnostics = std::move(reading.diagnostics);
    sort_by_line(report.diagnostics, file);
    if (ok) report.spec = std::move(reading.spec);
    return report;
}

LintReport lint_environment(const std::filesystem::path& path, const ReadOptions& options) {
    const InputFile input = open_input(path, options.cancel);
    return lint_environment_text(input.bytes, input.name, input.directory, options);
}

}  // namespace envbuild::spec
