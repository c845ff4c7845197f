#include "base/fs.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <functional>
#include <thread>

using namespace envbuild;

TEST_CASE("fs: an atomic write replaces the whole file and makes its folders") {
    const TempDir dir("fs-test");
    const auto path = dir.path() / "a/b/file";
    write_file_atomic(path, "one");
    write_file_atomic(path, std::string("two\0three", 9), fs::perms(0600));
    CHECK(read_file(path) == std::string("two\0three", 9));
    struct stat status{};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0600);
}

TEST_CASE("fs: a file that is not committed leaves nothing behind") {
    const TempDir dir("fs-test");
    {
        AtomicFile file(dir.path() / "x");
        file.write("half");
        CHECK(file.size() == 4);
    }
    CHECK(fs::is_empty(dir.path()));
}

TEST_CASE("fs: a writer killed at any point leaves the old bytes or the new") {
    for (const std::string point : {"fs.write", "fs.before_rename"}) {
        const TempDir dir("fs-test");
        const auto path = dir.path() / "file";
        write_file_atomic(path, "old");
        const pid_t child = ::fork();
        if (child == 0) {
            // A fresh process reads its fail points anew, so the work is done by this test's own binary.
            ::setenv("ENVBUILD_FAILPOINTS", (point + "=abort").c_str(), 1);
            ::setenv("ENVBUILD_FS_TEST_FILE", path.c_str(), 1);
            ::execl("/proc/self/exe", "test_base", "fs: child that is killed", static_cast<char*>(nullptr));
            ::_exit(99);
        }
        int status = 0;
        ::waitpid(child, &status, 0);
        INFO(point);
        REQUIRE(WIFSIGNALED(status));
        CHECK(read_file(path) == "old");
    }
}

TEST_CASE("fs: child that is killed", "[.child]") {
    const char* path = std::getenv("ENVBUILD_FS_TEST_FILE");
    REQUIRE(path != nullptr);
    write_file_atomic(path, "new");
}

TEST_CASE("fs: reading says what is wrong") {
    const TempDir dir("fs-test");
    const auto kind = [](const fs::path& path, std::uint64_t limit = 100) {
        try {
            (void)read_file(path, limit);
        } catch (const Error& error) {
            return error.kind();
        }
        return ErrorKind::Bug;
    };
    CHECK(kind(dir.path() / "missing") == ErrorKind::NotFound);
    CHECK(kind(dir.path()) == ErrorKind::InvalidInput);
    write_file_atomic(dir.path() / "big", std::string(101, 'x'));
    CHECK(kind(dir.path() / "big") == ErrorKind::InvalidInput);
    CHECK_FALSE(read_file_if_exists(dir.path() / "missing"));
}

TEST_CASE("fs: a lock excludes, is waited for, and ends with its holder") {
    const TempDir dir("fs-test");
    const auto path = dir.path() / "lock";
    const CancelToken cancel;
    auto held = FileLock::try_lock(path, FileLock::Mode::Exclusive);
    REQUIRE(held);
    CHECK_FALSE(FileLock::try_lock(path, FileLock::Mode::Exclusive));
    CHECK_FALSE(FileLock::try_lock(path, FileLock::Mode::Shared));
    std::atomic<bool> got = false;
    std::jthread waiter([&] {
        const FileLock lock(path, FileLock::Mode::Exclusive, cancel);
        got = true;
    });
    held.reset();
    waiter.join();
    CHECK(got);
    auto again = FileLock::try_lock(path, FileLock::Mode::Exclusive);
    CancelToken cancelled;
    cancelled.cancel();
    CHECK_THROWS_AS(FileLock(path, FileLock::Mode::Exclusive, cancelled), Error);
}

TEST_CASE("fs: what is no regular file is written into, not replaced") {
    const TempDir dir("fs-test");
    const auto pipe = dir.path() / "pipe";
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    const UniqueFd reader(::open(pipe.c_str(), O_RDWR | O_CLOEXEC));  // so that no open waits
    REQUIRE(reader);
    write_file_atomic(pipe, "bytes");
    CHECK(fs::is_fifo(pipe));
    std::string got(16, '\0');
    REQUIRE(::fcntl(reader.get(), F_SETFL, O_NONBLOCK) == 0);
    const ssize_t size = ::read(reader.get(), got.data(), got.size());
    CHECK(std::string(got.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0))) == "bytes");

    const auto link = dir.path() / "link";
    fs::create_symlink(pipe, link);
    write_file_atomic(link, "more");
    CHECK(fs::is_symlink(link));
    CHECK(fs::is_fifo(pipe));

    // An open file under /proc or /dev/fd belongs to whoever opened it.
    const auto held = dir.path() / "held";
    const UniqueFd file(::open(held.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    write_file_atomic("/proc/self/fd/" + std::to_string(file.get()), "through");
    CHECK(read_file(held) == "through");
    struct stat now{}, then{};
    REQUIRE(::fstat(file.get(), &then) == 0);
    REQUIRE(::stat(held.c_str(), &now) == 0);
    CHECK(now.st_ino == then.st_ino);
}

TEST_CASE("fs: a cache whose folder cannot be made is Io and says what to set, for locks and files alike") {
    // Nobody may make folders in /proc, root neither.
    const fs::path folder = "/proc/envbuild-test/flight";
    const auto refused = [](const std::function<void()>& act) {
        try {
            act();
        } catch (const Error& error) {
            CHECK(error.kind() == ErrorKind::Io);
            CHECK(error.message().find("/proc/envbuild-test") != std::string::npos);
            CHECK(error.message().find("cannot make the folder") != std::string::npos);
            CHECK(error.hint().find("XDG_CACHE_HOME") != std::string::npos);
            return true;
        }
        return false;
    };
    CHECK(refused([&] { (void)FileLock::try_lock(folder / "x.lock", FileLock::Mode::Exclusive); }));
    CHECK(refused([&] { write_file_atomic(folder / "x", "bytes"); }));
    CHECK(refused([&] { const TempDir dir("x", folder); }));
}

TEST_CASE("fs: a name that no file can have is bad input, and limits are told as they are documented") {
    const auto told = [](const fs::path& path) {
        try {
            (void)read_file(path, 1ULL << 20);
        } catch (const Error& error) {
            CHECK(error.kind() == ErrorKind::InvalidInput);
            return error.message();
        }
        return std::string();
    };
    CHECK(told("/tmp/" + std::string(300, 'a')).find("name too long") != std::string::npos);
    const TempDir dir("fs-test");
    write_file_atomic(dir.path() / "big", std::string((1U << 20) + 1, 'x'));
    CHECK(told(dir.path() / "big").ends_with("is larger than 1 MiB"));
}
