#include "cli/output_file.hpp"

#include <fmt/format.h>

#include "base/fs.hpp"

namespace envbuild::cli {

void check_output(const std::filesystem::path& output) {
    auto path = std::filesystem::absolute(output).lexically_normal();
    if (!path.has_filename()) path = path.parent_path();  // "folder/"
    std::error_code ignored;
    if (std::filesystem::is_directory(path.parent_path(), ignored)) return;
    throw Error(ErrorKind::InvalidInput,
                fmt::format("{}: there is no folder {} to write it in", output.string(), path.parent_path().string()))
        .with_hint(fmt::format("make it first (mkdir -p {}), or name another place with --output",
                               path.parent_path().string()));
}

void write_output(const std::filesystem::path& output, const std::function<void()>& write) {
    try {
        write();
    } catch (Error& error) {
        if (error.kind() != ErrorKind::Io) throw;
        throw std::move(error).with_hint(fmt::format(
            "free some space at {}, check its permissions, or name another place with --output", output.string()));
    }
}

void write_output(const std::filesystem::path& output, std::string_view text) {
    write_output(output, [&] { write_file_atomic(output, text); });
}

}  // namespace envbuild::cli
