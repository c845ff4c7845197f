// `envbuild check`: what a file is, everything that is wrong with it, and what is risky in it.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/diagnostic.hpp"
#include "spec/environment_reader.hpp"

namespace envbuild::spec {

struct LintReport {
    FileKind kind = FileKind::Unknown;
    std::string file;
    std::vector<Diagnostic> diagnostics;  // by line
    std::optional<EnvironmentSpec> spec;  // where there are no errors

    [[nodiscard]] std::size_t errors() const;
    [[nodiscard]] std::size_t warnings() const;
};

// Never throws for what the file holds; Error (NotFound, Io, InvalidInput) where it cannot be read at all.
[[nodiscard]] LintReport lint_environment(const std::filesystem::path& path, const ReadOptions& options);
[[nodiscard]] LintReport lint_environment_text(std::string_view bytes, const std::string& file,
                                               const std::filesystem::path& directory, const ReadOptions& options);

}  // namespace envbuild::spec
