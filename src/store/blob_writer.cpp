#include "store/blob_writer.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <system_error>

#include "base/failpoint.hpp"

namespace envbuild::store {

namespace {

constexpr int kAttempts = 100;

}  // namespace

BlobWriter::BlobWriter(const std::filesystem::path& ingest, std::filesystem::path blobs) : blobs_(std::move(blobs)) {
    // A sweep may take the file between its making and its lock: then it is gone or locked, and another one is made.
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
        std::string name = (ingest / "blob-XXXXXX").string();
        fd_ = UniqueFd(::mkostemp(name.data(), O_CLOEXEC));
        if (!fd_) throw_errno("write in", ingest);
        const bool locked = ::flock(fd_.get(), LOCK_EX | LOCK_NB) == 0;
        const int code = errno;
        struct stat status{};
        if (locked && ::fstat(fd_.get(), &status) == 0 && status.st_nlink == 1) {
            temporary_ = name;
            return;
        }
        ::unlink(name.c_str());
        if (!locked && code != EWOULDBLOCK && code != EINTR) {
            throw Error(ErrorKind::Io, fmt::format("{}: cannot lock a file there: {}", ingest.string(),
                                                   std::generic_category().message(code)))
                .with_hint(
                    "this file system has no locks (Lustre needs the mount option flock); point XDG_DATA_HOME "
                    "to one that has");
        }
    }
    throw Error(ErrorKind::Io, fmt::format("{}: files there are taken away while they are made", ingest.string()));
}

BlobWriter::~BlobWriter() {
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void BlobWriter::write(std::string_view bytes) {
    failpoint("store.write");
    hash_.update(bytes);
    size_ += bytes.size();
    while (!bytes.empty()) {
        const ssize_t put = ::write(fd_.get(), bytes.data(), bytes.size());
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) throw_errno("write", temporary_);
        bytes.remove_prefix(static_cast<std::size_t>(put));
    }
}

Digest BlobWriter::finish() {
    return hash_.finish();
}

void BlobWriter::commit(const Digest& digest) {
    const fs::path destination = blobs_ / digest.hex();
    failpoint("store.before_sync");
    if (::fchmod(fd_.get(), 0644) != 0 || ::fsync(fd_.get()) != 0) throw_errno("sync", temporary_);
    failpoint("store.before_rename");
    if (::rename(temporary_.c_str(), destination.c_str()) != 0) throw_errno("write", destination);
    temporary_.clear();
    failpoint("store.after_rename");
    fsync_directory(blobs_);
    fd_.reset();
}

void sweep_ingest(const std::filesystem::path& ingest) {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(ingest, error)) {
        const UniqueFd fd(::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
        if (fd && ::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) ::unlink(entry.path().c_str());
    }
}

}  // namespace envbuild::store
