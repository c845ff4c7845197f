#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdio>

#include "base/fs.hpp"
#include "cli/command.hpp"
#include "cli/command_line.hpp"
#include "cli/plain_display.hpp"

using namespace envbuild;
using namespace envbuild::cli;

namespace {

// What is written to a stream, read back.
class Capture {
  public:
    Capture() : file_(std::tmpfile()) {}
    ~Capture() { std::fclose(file_); }
    Capture(const Capture&) = delete;
    Capture& operator=(const Capture&) = delete;
    [[nodiscard]] std::FILE* stream() const { return file_; }
    [[nodiscard]] std::string text() const {
        std::fflush(file_);
        std::string out;
        std::rewind(file_);
        for (int c = std::fgetc(file_); c != EOF; c = std::fgetc(file_)) out += static_cast<char>(c);
        return out;
    }

  private:
    std::FILE* file_;
};

DisplayOptions plain(bool quiet = false, int verbosity = 0) {
    DisplayOptions options;
    options.progress = ProgressMode::Plain;
    options.quiet = quiet;
    options.verbosity = verbosity;
    return options;
}

}  // namespace

TEST_CASE("durations as --timeout takes them") {
    CHECK(parse_duration("90") == 90);
    CHECK(parse_duration("1.5m") == 90);
    CHECK(parse_duration("2h") == 7200);
    for (const auto* bad : {"", "0", "-5", "ten", "5x", "1e99", "nan", "inf", "5 s"}) {
        INFO(bad);
        CHECK_THROWS_AS(parse_duration(bad), Error);
    }
}

TEST_CASE("plain display: lines for starts and ends, debug only with -v, nothing with --quiet") {
    const Capture out;
    {
        const auto display = make_display(plain(), out.stream());
        display->warn("careful");
        display->debug("detail");
        display->log("from the build");
        const auto work = display->start("Downloading", Reporter::Unit::Bytes, 2'000'000);
        work->advance(2'000'000);
    }
    const auto text = out.text();
    CHECK(text.find("warning: careful\n") != std::string::npos);
    CHECK(text.find("detail") == std::string::npos);
    CHECK(text.find("  | from the build\n") != std::string::npos);
    CHECK(text.find("Downloading: 2.0 MB in ") != std::string::npos);

    const Capture verbose;
    make_display(plain(false, 1), verbose.stream())->debug("detail");
    CHECK(verbose.text() == "debug: detail\n");

    const Capture quiet;
    const auto display = make_display(plain(true), quiet.stream());
    display->warn("x");
    display->note("y");
    CHECK(quiet.text().empty());
}

TEST_CASE("live display: finished work stays, running work is erased at the end") {
    const Capture out;
    {
        DisplayOptions options;
        options.progress = ProgressMode::Tty;
        const auto display = make_display(options, out.stream());
        const auto running = display->start("Compressing", Reporter::Unit::Bytes, 100);
        {
            const auto work = display->start("Downloading", Reporter::Unit::Bytes, 100);
            work->advance(100);
            work->set_detail("numpy");
        }
        display->note("a note");
        display->log("a line of the build");
    }
    const auto text = out.text();
    CHECK(text.find("✓ Downloading: 100 B") != std::string::npos);
    CHECK(text.find("a note\n") != std::string::npos);
    // No colour without a terminal that has it.
    CHECK(text.find("\x1b[3") == std::string::npos);
}

TEST_CASE("errors are shown with what was being done and what to do next") {
    const auto error = Error(ErrorKind::Io, "disk full").with_context("writing x").with_hint("free some space");
    CHECK(format_error(error, false) == "error: disk full\n  while writing x\n  free some space\n");
}

TEST_CASE("amounts and times for people") {
    CHECK(format_amount(Reporter::Unit::Bytes, 1'000'000, 2'000'000) == "1.0 MB of 2.0 MB");
    CHECK(format_amount(Reporter::Unit::Items, 3, 7) == "3/7");
    CHECK(format_seconds(1.23) == "1.2 s");
    CHECK(format_seconds(75) == "1 min 15 s");
}

TEST_CASE("a stream that is full ends nothing: not a display, not an error's report") {
    std::FILE* const full = std::fopen("/dev/full", "w");
    REQUIRE(full != nullptr);
    {
        const auto display = make_display(plain(), full);
        display->warn("careful");
        display->log("from the build");
        const auto work = display->start("Downloading", Reporter::Unit::Bytes, 10);
        work->advance(10);
    }
    {
        DisplayOptions options;
        options.progress = ProgressMode::Tty;
        const auto display = make_display(options, full);
        display->note("a note");
    }
    write_best_effort(full, "error");
    std::fclose(full);
}

TEST_CASE("an error keeps its exit code where standard error is full") {
    const UniqueFd before(::dup(STDERR_FILENO));
    const UniqueFd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
    REQUIRE(full);
    ::dup2(full.get(), STDERR_FILENO);
    const int missing = run_command_line({"hash", "/nowhere/nosuch.yml"}, ProcessEnv(), CancelToken());
    const int usage = run_command_line({"hash", "--no-such-option"}, ProcessEnv(), CancelToken());
    ::dup2(before.get(), STDERR_FILENO);
    CHECK(missing == exit_code(ErrorKind::NotFound));
    CHECK(usage == 2);
}
