#include "base/fs.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <system_error>
#include <thread>

#include "base/failpoint.hpp"
#include "base/strings.hpp"

namespace envbuild {

namespace {

constexpr std::string_view kFullDisk =
    "free some space, or point ENVBUILD_CACHE_DIR and ENVBUILD_DATA_DIR, or XDG_CACHE_HOME and XDG_DATA_HOME, to a "
    "larger disk";
constexpr std::string_view kMoveFolders =
    "point ENVBUILD_CACHE_DIR and ENVBUILD_DATA_DIR, or XDG_CACHE_HOME and XDG_DATA_HOME, to folders that can be "
    "written, or "
    "check the permissions of this one";

bool is_bad_name(int code) {
    return code == ENAMETOOLONG || code == ELOOP;
}

// Limits are powers of two: "4 MiB", and not the 4.2 MB that it is.
std::string limit_text(std::uint64_t limit) {
    constexpr std::uint64_t kMebibyte = 1ULL << 20;
    return limit > 0 && limit % kMebibyte == 0 ? fmt::format("{} MiB", limit / kMebibyte) : human_bytes(limit);
}

// A folder of the cache or the store that cannot be made is no slip in a name: it is Io, whatever errno says.
void make_folders(const fs::path& folder) {
    std::error_code error;
    if (!folder.empty()) fs::create_directories(folder, error);
    if (!error) return;
    Error failed(ErrorKind::Io, fmt::format("{}: cannot make the folder: {}", folder.string(), error.message()));
    throw std::move(failed).with_hint(error == std::errc::no_space_on_device ? std::string(kFullDisk)
                                                                             : std::string(kMoveFolders));
}

UniqueFd open_lock(const fs::path& path) {
    make_folders(path.parent_path());
    UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
    if (!fd) throw_errno("open the lock", path);
    return fd;
}

// Renaming over these would put a file where a device or another process's output was. Under /dev and /proc even a
// regular file is somebody's open one (/dev/stdout).
bool is_written_into(const fs::path& destination) {
    struct stat status{};
    if (::stat(destination.c_str(), &status) != 0) return false;
    if (S_ISDIR(status.st_mode)) return false;
    const std::string text = fs::absolute(destination).lexically_normal().string();
    return !S_ISREG(status.st_mode) || text.starts_with("/dev/fd/") || text.starts_with("/dev/std") ||
           text.starts_with("/proc/");
}

}  // namespace

void throw_errno(std::string_view what, const fs::path& path) {
    const int code = errno;
    const auto kind = code == ENOENT || code == ENOTDIR ? ErrorKind::NotFound
                      : is_bad_name(code)               ? ErrorKind::InvalidInput
                                                        : ErrorKind::Io;
    Error error(kind, fmt::format("{}: cannot {}: {}", path.string(), what, std::generic_category().message(code)));
    if (code == ENOSPC || code == EDQUOT) throw std::move(error).with_hint(std::string(kFullDisk));
    if (code == EROFS) throw std::move(error).with_hint(std::string(kMoveFolders));
    if (code == EACCES || code == EPERM) throw std::move(error).with_hint("check the permissions of this path");
    throw std::move(error);
}

UniqueFd& UniqueFd::operator=(UniqueFd&& other) noexcept {
    if (this != &other) {
        reset();
        fd_ = other.release();
    }
    return *this;
}

int UniqueFd::release() {
    const int fd = fd_;
    fd_ = -1;
    return fd;
}

void UniqueFd::reset() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
}

std::string read_file(const fs::path& path, std::uint64_t limit) {
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) throw_errno("read", path);
    struct stat status{};
    if (::fstat(fd.get(), &status) != 0) throw_errno("read", path);
    if (S_ISDIR(status.st_mode))
        throw Error(ErrorKind::InvalidInput, fmt::format("{} is a directory, not a file", path.string()));
    std::string bytes;
    // A file may claim any size.
    bytes.reserve(static_cast<std::size_t>(std::min<std::uint64_t>(status.st_size, limit)) + 1);
    std::array<char, 1 << 16> buffer{};
    while (true) {
        const ssize_t got = ::read(fd.get(), buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) throw_errno("read", path);
        if (got == 0) return bytes;
        bytes.append(buffer.data(), static_cast<std::size_t>(got));
        if (bytes.size() > limit) {
            throw Error(ErrorKind::InvalidInput, fmt::format("{} is larger than {}", path.string(), limit_text(limit)));
        }
    }
}

std::optional<std::string> read_file_if_exists(const fs::path& path) {
    try {
        return read_file(path);
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::NotFound) return std::nullopt;
        throw;
    }
}

void write_file_atomic(const fs::path& path, std::string_view bytes, fs::perms mode) {
    AtomicFile file(path);
    file.write(bytes);
    file.commit(mode);
}

void write_cache_file(const fs::path& path, std::string_view bytes) {
    AtomicFile file(path);
    file.write(bytes);
    file.commit(fs::perms(0644), false);
}

std::size_t read_at(const UniqueFd& file, std::uint64_t offset, std::span<char> into, const fs::path& path) {
    std::size_t done = 0;
    while (done < into.size()) {
        const auto got = ::pread(file.get(), into.data() + done, into.size() - done, static_cast<off_t>(offset + done));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) throw_errno("read", path);
        if (got == 0) break;
        done += static_cast<std::size_t>(got);
    }
    return done;
}

void fsync_directory(const fs::path& directory) {
    const UniqueFd fd(::open(directory.empty() ? "." : directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd || ::fsync(fd.get()) != 0) throw_errno("sync", directory);
}

AtomicFile::AtomicFile(fs::path destination) : destination_(std::move(destination)) {
    if (is_written_into(destination_)) {
        fd_ = UniqueFd(::open(destination_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
        if (!fd_) throw_errno("write", destination_);
        return;
    }
    const auto parent = destination_.parent_path();
    make_folders(parent);
    std::string name = (parent / (".tmp-" + destination_.filename().string().substr(0, 100) + "-XXXXXX")).string();
    fd_ = UniqueFd(::mkostemp(name.data(), O_CLOEXEC));
    if (!fd_) throw_errno("write in", parent.empty() ? fs::path(".") : parent);
    temporary_ = name;
}

AtomicFile::~AtomicFile() {
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void AtomicFile::write(std::string_view bytes) {
    failpoint("fs.write");
    size_ += bytes.size();
    while (!bytes.empty()) {
        const ssize_t put = ::write(fd_.get(), bytes.data(), bytes.size());
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) throw_errno("write", destination_);
        bytes.remove_prefix(static_cast<std::size_t>(put));
    }
}

void AtomicFile::commit(fs::perms mode, bool durable) {
    if (temporary_.empty()) return fd_.reset();
    if (::fchmod(fd_.get(), static_cast<mode_t>(mode)) != 0) throw_errno("set the mode of", destination_);
    if (durable && ::fsync(fd_.get()) != 0) throw_errno("sync", destination_);
    fd_.reset();
    failpoint("fs.before_rename");
    if (::rename(temporary_.c_str(), destination_.c_str()) != 0) throw_errno("write", destination_);
    temporary_.clear();
    if (durable) fsync_directory(destination_.parent_path());
}

TempDir::TempDir(std::string_view prefix, const fs::path& parent) {
    const char* configured = std::getenv("TMPDIR");
    const fs::path root = !parent.empty() ? parent : configured != nullptr && *configured != 0 ? configured : "/tmp";
    make_folders(root);
    std::string name = (root / fmt::format("{}-XXXXXX", prefix)).string();
    if (::mkdtemp(name.data()) == nullptr) throw_errno("make a temporary folder in", root);
    path_ = name;
}

TempDir::~TempDir() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
}

FileLock::FileLock(const fs::path& path, Mode mode, const CancelToken& cancel) : fd_(open_lock(path)) {
    const int operation = (mode == Mode::Shared ? LOCK_SH : LOCK_EX) | LOCK_NB;
    while (::flock(fd_.get(), operation) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR) throw_errno("lock", path);
        cancel.throw_if_cancelled();
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
}

std::optional<FileLock> FileLock::try_lock(const fs::path& path, Mode mode) {
    UniqueFd fd = open_lock(path);
    if (::flock(fd.get(), (mode == Mode::Shared ? LOCK_SH : LOCK_EX) | LOCK_NB) == 0) return FileLock(std::move(fd));
    if (errno == EWOULDBLOCK) return std::nullopt;
    throw_errno("lock", path);
}

}  // namespace envbuild
