#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <chrono>
#include <thread>

#include "base/fs.hpp"
#include "spec/spec_support.hpp"

using namespace envbuild;
using namespace envbuild::spec;

namespace {

// Standard input as a pipe whose other end this holds.
class PipedInput {
  public:
    PipedInput() : before_(::dup(STDIN_FILENO)) {
        std::array<int, 2> ends{};
        if (::pipe(ends.data()) != 0) throw_errno("make", "a pipe");
        ::dup2(ends[0], STDIN_FILENO);
        ::close(ends[0]);
        writer_ = UniqueFd(ends[1]);
    }
    ~PipedInput() {
        if (before_)
            ::dup2(before_.get(), STDIN_FILENO);
        else
            ::close(STDIN_FILENO);
    }
    PipedInput(const PipedInput&) = delete;
    PipedInput& operator=(const PipedInput&) = delete;

    void write(std::string_view text) { REQUIRE(::write(writer_.get(), text.data(), text.size()) == std::ssize(text)); }
    void close() { writer_.reset(); }

  private:
    UniqueFd before_, writer_;
};

ErrorKind kind_of_reading(const ReadOptions& options) {
    try {
        static_cast<void>(read_environment("-", options));
    } catch (const Error& error) {
        return error.kind();
    }
    return ErrorKind::Bug;
}

}  // namespace

TEST_CASE("standard input: what comes in pieces is one file") {
    PipedInput input;
    std::jthread writer([&] {
        input.write("channels: [conda-forge]\n");
        input.write("dependencies: [a, b]\n");
        input.close();
    });
    CHECK(read_environment("-", test::plain_options()).spec.conda.size() == 2);
}

TEST_CASE("standard input: Ctrl-C and --timeout end the wait for it") {
    PipedInput input;
    input.write("dependencies:\n");
    // Without an answer to the cancellation the input would end here, and the reading not be cancelled.
    std::jthread end([&](const std::stop_token& stop) {
        for (int i = 0; i < 200 && !stop.stop_requested(); ++i)
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
        input.close();
    });
    ReadOptions options = test::plain_options();
    std::jthread interrupt([&] { options.cancel.cancel(); });
    CHECK(kind_of_reading(options) == ErrorKind::Cancelled);
    interrupt.join();

    ReadOptions timed = test::plain_options();
    timed.cancel.set_deadline(std::chrono::steady_clock::now() + std::chrono::milliseconds(100));
    CHECK(kind_of_reading(timed) == ErrorKind::Cancelled);
}

TEST_CASE("a named pipe: what comes late is read, and waiting for it can be interrupted") {
    const TempDir folder("named-pipe");
    const auto pipe = (folder.path() / "environment.yml").string();
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    std::jthread writer([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(120));
        const UniqueFd end(::open(pipe.c_str(), O_WRONLY));
        const std::string_view text = "channels: [conda-forge]\ndependencies: [a, b]\n";
        static_cast<void>(::write(end.get(), text.data(), text.size()));
    });
    CHECK(read_environment(pipe, test::plain_options()).spec.conda.size() == 2);
    writer.join();
    // Nobody writes.
    auto options = test::plain_options();
    options.cancel.set_deadline(std::chrono::steady_clock::now() + std::chrono::milliseconds(100));
    try {
        static_cast<void>(read_environment(pipe, options));
        FAIL("it was read");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::Cancelled);
    }
}
