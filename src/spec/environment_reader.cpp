#include "spec/environment_reader.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "spec/reading.hpp"

namespace envbuild::spec {

ReadResult read_environment_text(std::string_view bytes, const std::string& file,
                                 const std::filesystem::path& directory, const ReadOptions& options) {
    Reading reading = read_all(bytes, file, directory, options);
    const auto is_error = [](const Diagnostic& d) { return d.severity == Diagnostic::Severity::Error; };
    const auto errors = std::ranges::count_if(reading.diagnostics, is_error);
    if (errors > 0) {
        Diagnostic first = *std::ranges::find_if(reading.diagnostics, is_error);
        if (errors > 1) {
            first.hint +=
                fmt::format("{}{} more {} wrong with the file; `envbuild check` lists all",
                            first.hint.empty() ? "" : "\n", errors - 1, errors == 2 ? "thing is" : "things are");
        }
        throw first.to_error();
    }
    ReadResult result;
    result.spec = std::move(reading.spec);
    result.kind = reading.kind;
    result.warnings = std::move(reading.diagnostics);
    result.credentials = std::move(reading.credentials);
    result.platforms = std::move(reading.platforms);
    result.file = std::move(reading.file);
    return result;
}

ReadResult read_environment(const std::filesystem::path& path, const ReadOptions& options) {
    const InputFile input = open_input(path, options.cancel);
    return read_environment_text(input.bytes, input.name, input.directory, options);
}

}  // namespace envbuild::spec
