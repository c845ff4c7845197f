#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <vector>

#include "base/fs.hpp"
#include "dockerfile/context.hpp"

namespace envbuild::dockerfile {

namespace {

[[noreturn]] void io_error(const fs::path& path, const std::error_code& error) {
    throw Error(ErrorKind::Io, fmt::format("{}: cannot write: {}", path.string(), error.message()));
}

// Lies in a folder from the first change to the last: whoever finds it finds an export that was broken off.
constexpr std::string_view kMarker = ".envbuild-unfinished";

// An earlier export has what render() makes, and nothing else; one that was broken off has the marker and any part of
// that, with the temporary files of what was being written.
bool is_earlier_export(const fs::path& directory) {
    const bool unfinished = fs::exists(directory / kMarker);
    for (const auto& entry : fs::directory_iterator(directory)) {
        const auto name = entry.path().filename().string();
        const bool ours = name == "Dockerfile" || name == "envbuild" || name == kMarker ||
                          (unfinished && name.starts_with(".tmp-Dockerfile-"));
        if (!ours) return false;
    }
    return unfinished ||
           (fs::is_regular_file(directory / "Dockerfile") && fs::exists(directory / "envbuild/install.json"));
}

void mark(const fs::path& directory) {
    const UniqueFd fd(::open((directory / kMarker).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
    if (!fd) io_error(directory / kMarker, std::error_code(errno, std::generic_category()));
    fsync_directory(directory);
}

// The bytes of `source`, shared with it where the file system can; never the file itself: who changes an export must
// not change the cache.
void copy_bytes(const fs::path& source, const fs::path& target) {
    const UniqueFd from(::open(source.c_str(), O_RDONLY | O_CLOEXEC));
    if (!from) throw_errno("read", source);
    const UniqueFd to(::open(target.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!to) throw_errno("write", target);
    if (::ioctl(to.get(), FICLONE, from.get()) == 0) return;
    // By hand: std::filesystem says "Input/output error" for a disk that is full.
    std::vector<char> buffer(1 << 20);
    while (true) {
        const ssize_t got = ::read(from.get(), buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) throw_errno("read", source);
        if (got == 0) return;
        for (ssize_t at = 0; at < got;) {
            const ssize_t put = ::write(to.get(), buffer.data() + at, static_cast<std::size_t>(got - at));
            if (put < 0 && errno == EINTR) continue;
            if (put < 0) throw_errno("write", target);
            at += put;
        }
    }
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
            mark(directory);
            // The Dockerfile goes first: a folder that has one is whole.
            fs::remove(directory / "Dockerfile", error);
            if (!error) fs::remove_all(directory / "envbuild", error);
            for (fs::directory_iterator entry(directory, error), end; !error && entry != end; entry.increment(error)) {
                if (entry->path().filename() != kMarker) fs::remove(entry->path(), error);
                if (error) break;
            }
        }
    } else {
        error.clear();
        fs::create_directories(directory, error);
    }
    if (error) io_error(directory, error);
    mark(directory);
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
    copy_bytes(source, target);
    fs::permissions(target, mode, error);
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
    std::error_code error;
    fs::remove(directory / kMarker, error);
    if (error) io_error(directory / kMarker, error);
}

}  // namespace envbuild::dockerfile
