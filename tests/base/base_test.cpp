#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include <atomic>
#include <random>
#include <set>
#include <system_error>
#include <thread>

#include "base/cancel.hpp"
#include "base/digest.hpp"
#include "base/parallel.hpp"
#include "base/process.hpp"
#include "base/process_env.hpp"
#include "base/strings.hpp"

using namespace envbuild;
using namespace std::chrono_literals;

TEST_CASE("digest: known answers, in one piece or in many") {
    CHECK(sha256("").to_string() == "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK(sha256("abc").hex() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    Sha256 hash;
    hash.update(std::string_view("a"));
    hash.update(std::string_view("bc"));
    CHECK(hash.finish() == sha256("abc"));
    CHECK(md5_hex("abc") == "900150983cd24fb0d6963f7d28e17f72");
}

TEST_CASE("digest: text forms") {
    const auto digest = sha256("abc");
    CHECK(Digest::parse(digest.to_string()).value() == digest);
    CHECK(Digest::from_hex("BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD").value() == digest);
    for (const auto* text : {"", "sha256:", "sha256:zz", "md5:900150983cd24fb0d6963f7d28e17f72",
                             "sha256:BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD"}) {
        CHECK_FALSE(Digest::parse(text));
    }
}

TEST_CASE("errors: the kind decides the exit code") {
    CHECK(exit_code(ErrorKind::InvalidInput) == 2);
    CHECK(exit_code(ErrorKind::Transient) == 4);
    CHECK(exit_code(ErrorKind::Unsatisfiable) == 5);
    CHECK(exit_code(ErrorKind::Unauthorized) == 6);
    CHECK(exit_code(ErrorKind::BuildFailed) == 7);
    CHECK(exit_code(ErrorKind::Corrupt) == 8);
    CHECK(exit_code(ErrorKind::Cancelled) == 130);
    const auto error = Error(ErrorKind::Io, "disk full").with_context("writing x").with_hint("free some space");
    CHECK(error.to_string() == "disk full\n  while writing x\n  free some space");
}

TEST_CASE("strings: splitting, slips, sizes") {
    CHECK(split("a,,b", ',') == std::vector<std::string_view>{"a", "", "b"});
    CHECK(split_whitespace("  a \t b\r\n") == std::vector<std::string_view>{"a", "b"});
    CHECK(nearest("dependecies", {"dependencies", "channels"}) == "dependencies");
    CHECK(nearest("zzz", {"dependencies", "channels"}).empty());
    CHECK(replace_all("aXbX", "X", "--") == "a--b--");
    CHECK(human_bytes(999) == "999 B");
    CHECK(human_bytes(1'250'000) == "1.2 MB");
    CHECK(human_bytes(105'000'000) == "105 MB");
    CHECK(is_valid_utf8("aé€\xF0\x9F\x98\x80"));
    for (const auto* bad : {"\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE2\x82", "\x80", "\xE0\x80\x80"})
        CHECK_FALSE(is_valid_utf8(bad));
}

TEST_CASE("strings: base64 goes both ways, in both alphabets") {
    std::mt19937 random(1);
    for (std::size_t size = 0; size < 50; ++size) {
        std::string bytes;
        for (std::size_t i = 0; i < size; ++i) bytes += static_cast<char>(random());
        std::string back;
        REQUIRE(base64_decode(base64(bytes), back));
        CHECK(back == bytes);
        REQUIRE(base64_decode(base64(bytes, true), back));
        CHECK(back == bytes);
    }
    CHECK(base64("{}") == "e30=");
    std::string out;
    CHECK_FALSE(base64_decode("a*b", out));
}

TEST_CASE("cancel: by hand and by deadline") {
    const CancelToken token;
    CHECK_FALSE(token.cancelled());
    const CancelToken copy = token;
    copy.cancel();
    CHECK(token.cancelled());
    const CancelToken late;
    late.set_deadline(std::chrono::steady_clock::now() - 1ms);
    CHECK_THROWS_WITH(late.throw_if_cancelled(), Catch::Contains("--timeout"));
}

TEST_CASE("parallel_for does each piece once and passes the first fault on") {
    std::vector<std::atomic<int>> seen(500);
    parallel_for(seen.size(), 4, [&](std::size_t i) { ++seen[i]; });
    for (const auto& count : seen) REQUIRE(count == 1);
    CHECK_THROWS_AS(parallel_for(100, 3,
                                 [](std::size_t i) {
                                     if (i == 5) throw Error(ErrorKind::Io, "x");
                                 }),
                    Error);
}

TEST_CASE("process: input, both outputs, exit code; a helper that hangs is ended") {
    const CancelToken cancel;
    const auto result = run_process({"/bin/sh", "-c", "cat; echo err >&2; exit 3"}, "hello", 5s, cancel);
    CHECK(result.out == "hello");
    CHECK(result.err == "err\n");
    CHECK(result.exit_code == 3);
    const auto kind = [&](const std::vector<std::string>& argv, std::chrono::milliseconds timeout) {
        try {
            (void)run_process(argv, "", timeout, cancel);
        } catch (const Error& error) {
            return error.kind();
        }
        return ErrorKind::Bug;
    };
    CHECK(kind({"envbuild-no-such-program"}, 5s) == ErrorKind::NotFound);
    CHECK(kind({"/bin/sleep", "60"}, 100ms) == ErrorKind::Transient);
    const std::string big(300'000, 'x');
    CHECK(run_process({"/bin/cat"}, big, 10s, cancel, 1000).out == big.substr(0, 1000));
}

TEST_CASE("process_env: XDG folders, where a relative path is ignored") {
    const ProcessEnv env({{"HOME", "/home/u"}, {"XDG_CACHE_HOME", "/c"}, {"XDG_DATA_HOME", "relative"}, {"EMPTY", ""}});
    CHECK(env.cache_home() == "/c/envbuild");
    CHECK(env.data_home() == "/home/u/.local/share/envbuild");
    CHECK(env.config_home() == "/home/u/.config/envbuild");
    CHECK(env.get("EMPTY") == "");
    CHECK_FALSE(env.get_nonempty("EMPTY"));
    CHECK_FALSE(env.get("NONE"));
}

// Such a limit turns the address space around, which ThreadSanitizer does not take; the other builds have the test.
#ifndef __SANITIZE_THREAD__
TEST_CASE("parallel_for does all of the work where the machine gives no further thread") {
    const pid_t child = ::fork();
    if (child == 0) {
        // A thread's stack is as large as this limit was at the start, and no address space holds it.
        const rlimit stack{rlim_t{1} << 47U, RLIM_INFINITY};
        if (::setrlimit(RLIMIT_STACK, &stack) != 0) ::_exit(98);
        ::execl("/proc/self/exe", "test_base", "parallel_for: child without threads", static_cast<char*>(nullptr));
        ::_exit(99);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    REQUIRE(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("parallel_for: child without threads", "[.child]") {
    CHECK_THROWS_AS(std::thread([] {}).join(), std::system_error);
    std::vector<std::atomic<int>> seen(50);
    parallel_for(seen.size(), 4, [&](std::size_t i) { ++seen[i]; });
    for (const auto& count : seen) CHECK(count == 1);
}
#endif

TEST_CASE("a shell's line quotes what needs it") {
    CHECK(shell_line({"docker", "run", "-e", "A=b", "registry:5000/x@sha256:0"}) ==
          "docker run -e A=b registry:5000/x@sha256:0");
    CHECK(shell_line({"-v", "/my data:/d", "", "it's; rm"}) == R"(-v '/my data:/d' '' 'it'\''s; rm')");
}
