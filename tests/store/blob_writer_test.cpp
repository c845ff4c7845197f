#include "store/blob_writer.hpp"

#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <cerrno>

using namespace envbuild;
using store::BlobWriter;

namespace {

// What flock() answers instead of locking, so many times; 0: nothing is changed.
std::atomic<int> flock_error = 0, flock_times = 0;

std::size_t files_in(const fs::path& folder) {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

}  // namespace

// Takes the C library's place in this executable: the file systems that have no locks cannot be mounted in a test.
extern "C" int flock(int fd, int operation) noexcept {
    if (flock_error != 0 && flock_times.fetch_sub(1) > 0) {
        errno = flock_error;
        return -1;
    }
    return static_cast<int>(::syscall(SYS_flock, fd, operation));
}

TEST_CASE("a file system without locks is told and not littered", "[store]") {
    const TempDir folder("writer");
    flock_times = 1000000;
    for (const int code : {ENOLCK, ENOSYS, ENOTSUP}) {
        flock_error = code;
        try {
            const BlobWriter writer(folder.path(), folder.path());
            FAIL_CHECK("it was made");
        } catch (const Error& error) {
            CHECK(error.kind() == ErrorKind::Io);
            CHECK_THAT(error.to_string(), Catch::Contains("lock") && Catch::Contains(folder.path().string()));
        }
        CHECK(files_in(folder.path()) == 0);
    }
    flock_error = 0;
}

TEST_CASE("a file that a sweep holds is left for another one, and does not stay", "[store]") {
    const TempDir folder("writer");
    flock_times = 3;
    flock_error = EWOULDBLOCK;
    BlobWriter writer(folder.path(), folder.path());
    flock_error = 0;
    CHECK(files_in(folder.path()) == 1);
    writer.write("bytes");
    writer.commit(writer.finish());
    CHECK(files_in(folder.path()) == 1);
    CHECK(read_file(folder.path() / sha256("bytes").hex()) == "bytes");
}
