#include <fmt/format.h>

#include <string>

#include "base/fs.hpp"
#include "dockerfile/context.hpp"

namespace envbuild::dockerfile {

namespace {

[[noreturn]] void io_error(const fs::path& path, const std::error_code& error) {
    throw Error(ErrorKind::Io, fmt::format("{}: cannot write: {}", path.string(), error.message()));
}

// An earlier export has what render() makes, and nothing else.
bool is_earlier_export(const fs::path& directory) {
    for (const auto& entry : fs::directory_iterator(directory)) {
        const auto name = entry.path().filename();
        if (name != "Dockerfile" && name != "envbuild") return false;
    }
    return fs::is_regular_file(directory / "Dockerfile") && fs::exists(directory / "envbuild/install.json");
}

void make_empty(const fs::path& directory) {
    std::error_code error;
    const auto status = fs::status(directory, error);
    if (fs::exists(status)) {
        if (!fs::is_directory(status))
            throw Error(ErrorKind::InvalidInput, fmt::format("{} is not a folder", directory.string()));
        if (!fs::is_empty(directory, error) && !error) {
            if (!is_earlier_export(directory)) {
                throw Error(ErrorKind::InvalidInput,
                            fmt::format("{} is not empty, and what is in it is no build context of envbuild's",
                                        directory.string()))
                    .with_hint("name a folder that is empty or does not exist");
            }
            fs::remove(directory / "Dockerfile", error);
            if (!error) fs::remove_all(directory / "envbuild", error);
        }
    } else {
        error.clear();
        fs::create_directories(directory, error);
    }
    if (error) io_error(directory, error);
}

void place(const layer::ContextFile& file, const fs::path& target) {
    std::error_code error;
    fs::create_directories(target.parent_path(), error);
    if (error) io_error(target.parent_path(), error);
    const auto mode = static_cast<fs::perms>(file.mode);
    if (file.file.empty()) return write_file_atomic(target, file.bytes, mode);
    const fs::path source = fs::canonical(file.file, error);
    if (error)
        throw Error(ErrorKind::NotFound, fmt::format("{}: cannot read: {}", file.file.string(), error.message()));
    // A link shares the mode too: a file with another one is copied.
    const bool same_mode = (fs::status(source, error).permissions() & fs::perms::all) == mode;
    if (same_mode) {
        fs::create_hard_link(source, target, error);
        if (!error) return;
    }
    error.clear();
    fs::copy_file(source, target, error);
    if (!error) fs::permissions(target, mode, error);
    if (error) io_error(target, error);
}

}  // namespace

void write_context(const Context& context, const fs::path& directory) {
    make_empty(directory);
    // The Dockerfile comes last: a folder that has one is whole.
    for (const bool last : {false, true}) {
        for (const auto& file : context.files) {
            if ((file.path == "Dockerfile") == last) place(file, directory / file.path);
        }
    }
}

}  // namespace envbuild::dockerfile
