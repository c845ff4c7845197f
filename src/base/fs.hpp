// Files: whole reads, atomic durable writes, temporary folders, locks among processes. All throw Error(Io) with path
// and reason.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/cancel.hpp"
#include "base/error.hpp"

namespace envbuild {

namespace fs = std::filesystem;

// Owns a file descriptor. Move-only.
class UniqueFd {
  public:
    UniqueFd() = default;
    explicit UniqueFd(int fd) : fd_(fd) {}
    ~UniqueFd() { reset(); }
    UniqueFd(UniqueFd&& other) noexcept : fd_(other.release()) {}
    UniqueFd& operator=(UniqueFd&& other) noexcept;

    [[nodiscard]] int get() const { return fd_; }
    [[nodiscard]] explicit operator bool() const { return fd_ >= 0; }
    int release();
    void reset();

  private:
    int fd_ = -1;
};

// Error for `errno`, "<path>: cannot <what>: <reason>": NotFound where it is ENOENT or ENOTDIR, Io otherwise, with a
// hint where the disk is full or a permission is missing.
[[noreturn]] void throw_errno(std::string_view what, const fs::path& path);

// The file's bytes. NotFound when it is absent, InvalidInput for a directory or a file over `limit`, Io otherwise.
[[nodiscard]] std::string read_file(const fs::path& path, std::uint64_t limit = UINT64_MAX);
[[nodiscard]] std::optional<std::string> read_file_if_exists(const fs::path& path);

// temp + fsync + rename + fsync of the folder: a reader sees the old bytes or the new ones, also after a crash.
// Makes missing parent folders. What is there and no regular file (a device, a pipe, /dev/stdout) is written into.
void write_file_atomic(const fs::path& path, std::string_view bytes, fs::perms mode = fs::perms(0644));
// temp + rename without waiting for the disk: after a crash the file may hold anything. For caches whose reader checks
// what it reads.
void write_cache_file(const fs::path& path, std::string_view bytes);
void fsync_directory(const fs::path& directory);
// Reads at an offset until `into` is full or the file ends; how many bytes it read. `path` is for the Error(Io).
[[nodiscard]] std::size_t read_at(const UniqueFd& file, std::uint64_t offset, std::span<char> into,
                                  const fs::path& path);

// A file that appears under its name only when it is whole: write(), then commit(); dropped without a trace otherwise.
// A device, a pipe or an open file of /dev/fd and /proc is never replaced: the bytes go into it as they come.
class AtomicFile {
  public:
    explicit AtomicFile(fs::path destination);
    ~AtomicFile();
    AtomicFile(AtomicFile&&) = delete;

    void write(std::string_view bytes);
    void commit(fs::perms mode = fs::perms(0644), bool durable = true);
    [[nodiscard]] std::uint64_t size() const { return size_; }
    [[nodiscard]] const fs::path& temporary_path() const { return temporary_; }

  private:
    fs::path destination_, temporary_;  // the latter "" where the destination is written into
    UniqueFd fd_;
    std::uint64_t size_ = 0;
};

// A new empty folder with mode 0700, removed with all it holds at the end.
class TempDir {
  public:
    // Under `parent`, or $TMPDIR, or /tmp.
    explicit TempDir(std::string_view prefix, const fs::path& parent = {});
    ~TempDir();
    TempDir(TempDir&& other) noexcept : path_(std::move(other.path_)) { other.path_.clear(); }
    TempDir& operator=(TempDir&&) = delete;

    [[nodiscard]] const fs::path& path() const { return path_; }

  private:
    fs::path path_;
};

// An advisory lock among processes (flock), freed by the kernel when its holder dies. The file stays behind, empty.
class FileLock {
  public:
    enum class Mode : std::uint8_t { Shared, Exclusive };

    // Waits for it; Cancelled when `cancel` fires.
    FileLock(const fs::path& path, Mode mode, const CancelToken& cancel);
    // Nothing when another process holds it.
    [[nodiscard]] static std::optional<FileLock> try_lock(const fs::path& path, Mode mode);

  private:
    FileLock(UniqueFd fd) : fd_(std::move(fd)) {}
    UniqueFd fd_;
};

}  // namespace envbuild
