#include "net/partial_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <thread>
#include <vector>

#include "base/failpoint.hpp"

namespace envbuild::net {

namespace {

bool same_file(int fd, const fs::path& path) {
    struct stat held{}, named{};
    return ::fstat(fd, &held) == 0 && ::stat(path.c_str(), &named) == 0 && held.st_dev == named.st_dev &&
           held.st_ino == named.st_ino;
}

}  // namespace

PartialFile::PartialFile(fs::path destination, const CancelToken& cancel)
    : destination_(std::move(destination)), path_(destination_.string() + ".partial") {
    std::error_code error;
    fs::create_directories(destination_.parent_path(), error);
    if (error) {
        throw Error(ErrorKind::Io, fmt::format("{}: cannot make the folder: {}", destination_.parent_path().string(),
                                               error.message()));
    }
    while (!open_locked(cancel)) continue;

    std::vector<char> buffer(1 << 20);
    while (true) {
        const ssize_t got = ::read(fd_.get(), buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) throw_errno("read", path_);
        if (got == 0) break;
        hash_.update(std::string_view(buffer.data(), static_cast<std::size_t>(got)));
        size_ += static_cast<std::uint64_t>(got);
    }
}

// False where the holder before us renamed or removed the file: the lock is then on something that has no name any
// more.
bool PartialFile::open_locked(const CancelToken& cancel) {
    fd_ = UniqueFd(::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
    if (!fd_) throw_errno("write", path_);
    while (::flock(fd_.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK || errno == EINTR) {
            cancel.throw_if_cancelled();
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
            continue;
        }
        std::string name = destination_.string() + ".partial-XXXXXX";
        fd_ = UniqueFd(::mkostemp(name.data(), O_CLOEXEC));
        if (!fd_) throw_errno("write", name);
        path_ = name;
        return true;
    }
    return same_file(fd_.get(), path_);
}

PartialFile::~PartialFile() {
    const bool has_own_name = path_ != destination_.string() + ".partial";
    if (!committed_ && (size_ == 0 || has_own_name)) ::unlink(path_.c_str());
}

void PartialFile::append(std::string_view bytes) {
    hash_.update(bytes);
    size_ += bytes.size();
    while (!bytes.empty()) {
        failpoint("fs.write");
        const ssize_t put = ::write(fd_.get(), bytes.data(), bytes.size());
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) throw_errno("write", path_);
        bytes.remove_prefix(static_cast<std::size_t>(put));
    }
}

void PartialFile::truncate() {
    if (::ftruncate(fd_.get(), 0) != 0 || ::lseek(fd_.get(), 0, SEEK_SET) != 0) throw_errno("empty", path_);
    size_ = 0;
    hash_ = Sha256();
}

Digest PartialFile::digest() {
    return hash_.finish();
}

void PartialFile::commit() {
    if (::fchmod(fd_.get(), 0644) != 0 || ::fsync(fd_.get()) != 0) throw_errno("sync", path_);
    failpoint("fs.before_rename");
    if (::rename(path_.c_str(), destination_.c_str()) != 0) throw_errno("rename", path_);
    committed_ = true;
    fsync_directory(destination_.parent_path());
}

}  // namespace envbuild::net
