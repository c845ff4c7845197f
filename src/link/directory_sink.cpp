#include "link/directory_sink.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

#include "base/error.hpp"
#include "conda/paths_json.hpp"

namespace envbuild::link {

namespace {

constexpr int kFolderFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
constexpr std::size_t kKeptOpen = 128;

std::array<timespec, 2> times_of(std::int64_t mtime) {
    return {timespec{.tv_sec = mtime, .tv_nsec = 0}, timespec{.tv_sec = mtime, .tv_nsec = 0}};
}

}  // namespace

DirectorySink::DirectorySink(std::filesystem::path root) : root_(std::move(root)) {
    std::error_code error;
    std::filesystem::create_directories(root_, error);
    if (error) fail("", "cannot make the folder", error.value());
    auto fd = std::make_shared<const UniqueFd>(::open(root_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!*fd) fail("", "cannot open the folder", errno);
    open_[""] = std::move(fd);
}

void DirectorySink::fail(const std::string& path, std::string_view what, int code) const {
    Error error(ErrorKind::Io,
                fmt::format("{}: {}: {}", (root_ / path).string(), what, std::generic_category().message(code)));
    if (code == ENOSPC || code == EDQUOT) throw std::move(error).with_hint("free some space on the disk that holds it");
    throw error;
}

DirectorySink::Folder DirectorySink::open_folder(const std::string& path) {
    {
        const std::lock_guard lock(mutex_);
        if (const auto found = open_.find(path); found != open_.end()) return found->second;
    }
    const Place place = place_of(path);
    auto fd = std::make_shared<const UniqueFd>(::openat(place.folder->get(), place.name.c_str(), kFolderFlags));
    if (!*fd) fail(path, "cannot open the folder", errno);
    const std::lock_guard lock(mutex_);
    if (open_.size() > kKeptOpen) {
        Folder root = open_[""];
        open_.clear();
        open_[""] = std::move(root);
    }
    open_[path] = fd;
    return fd;
}

DirectorySink::Place DirectorySink::place_of(const std::string& path) {
    if (const auto reason = conda::bad_path_reason(path)) {
        throw Error(ErrorKind::Bug, fmt::format("an entry to be written {}", *reason));
    }
    const auto slash = path.rfind('/');
    if (slash == std::string::npos) return {open_folder(""), path};
    return {open_folder(path.substr(0, slash)), path.substr(slash + 1)};
}

void DirectorySink::directory(const std::string& path, std::uint32_t mode, std::int64_t mtime) {
    {
        const std::lock_guard lock(mutex_);
        if (directories_.contains(path)) return;
    }
    const Place place = place_of(path);
    if (::mkdirat(place.folder->get(), place.name.c_str(), 0700) != 0 && errno != EEXIST)
        fail(path, "cannot make the folder", errno);
    // mkdirat's mode goes through the umask; a symlink or file of that name fails here.
    const Folder made = open_folder(path);
    if (::fchmod(made->get(), mode) != 0) fail(path, "cannot set the mode", errno);
    // Only now: another thread that finds it here may write into it.
    const std::lock_guard lock(mutex_);
    directories_.emplace(path, mtime);
}

void DirectorySink::file(const std::string& path, std::uint32_t mode, std::int64_t mtime, std::uint64_t size,
                         conda::ContentReader& content) {
    const Place place = place_of(path);
    const UniqueFd fd(
        ::openat(place.folder->get(), place.name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!fd) fail(path, "cannot make the file", errno);
    std::string buffer(std::min<std::uint64_t>(size + 1, std::size_t{256} << 10), '\0');
    std::uint64_t written = 0;
    while (const std::size_t got = content.read(buffer)) {
        for (std::size_t done = 0; done < got;) {
            const ssize_t put = ::write(fd.get(), buffer.data() + done, got - done);
            if (put < 0 && errno == EINTR) continue;
            if (put < 0) fail(path, "cannot write", errno);
            done += static_cast<std::size_t>(put);
        }
        written += got;
    }
    if (written != size)
        throw Error(ErrorKind::Bug, fmt::format("{} was announced with {} bytes and has {}", path, size, written));
    if (::fchmod(fd.get(), mode) != 0) fail(path, "cannot set the mode", errno);
    if (::futimens(fd.get(), times_of(mtime).data()) != 0) fail(path, "cannot set the time", errno);
}

void DirectorySink::symlink(const std::string& path, const std::string& target, std::int64_t mtime) {
    const Place place = place_of(path);
    if (::symlinkat(target.c_str(), place.folder->get(), place.name.c_str()) != 0)
        fail(path, "cannot make the symlink", errno);
    if (::utimensat(place.folder->get(), place.name.c_str(), times_of(mtime).data(), AT_SYMLINK_NOFOLLOW) != 0) {
        fail(path, "cannot set the time", errno);
    }
}

void DirectorySink::hardlink(const std::string& path, const std::string& target) {
    const Place to = place_of(path);
    const Place from = place_of(target);
    if (::linkat(from.folder->get(), from.name.c_str(), to.folder->get(), to.name.c_str(), 0) != 0) {
        fail(path, "cannot make the hard link", errno);
    }
}

void DirectorySink::finish() {
    std::map<std::string, std::int64_t> directories;
    {
        const std::lock_guard lock(mutex_);
        directories.swap(directories_);
    }
    for (const auto& [path, mtime] : directories) {
        if (::futimens(open_folder(path)->get(), times_of(mtime).data()) != 0) fail(path, "cannot set the time", errno);
    }
    if (directories.empty()) return;
    if (::futimens(open_folder("")->get(), times_of(directories.begin()->second).data()) != 0) {
        fail("", "cannot set the time", errno);
    }
}

}  // namespace envbuild::link
