#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdio>
#include <fstream>
#include <map>

#include "base/fs.hpp"
#include "cli/command.hpp"
#include "cli/command_line.hpp"
#include "cli/output_file.hpp"
#include "cli/plain_display.hpp"
#include "cli/read_lock.hpp"

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

// What one run of the program says and how it ends. Its home is a folder of its own and no registry is asked.
struct Ran {
    int code = 0;
    std::string out, err;
};
Ran run(const TempDir& home, std::vector<std::string> arguments, const std::map<std::string, std::string>& more = {}) {
    std::map<std::string, std::string, std::less<>> variables{{"HOME", home.path().string()},
                                                              {"PIP_CONFIG_FILE", "/dev/null"}};
    for (const auto& [name, value] : more) variables[name] = value;
    const Capture out;
    const Capture err;
    std::fflush(stdout);
    const UniqueFd old_out(::dup(STDOUT_FILENO));
    const UniqueFd old_err(::dup(STDERR_FILENO));
    ::dup2(::fileno(out.stream()), STDOUT_FILENO);
    ::dup2(::fileno(err.stream()), STDERR_FILENO);
    Ran ran;
    ran.code = run_command_line(std::move(arguments), ProcessEnv(variables), CancelToken());
    std::fflush(stdout);
    ::dup2(old_out.get(), STDOUT_FILENO);
    ::dup2(old_err.get(), STDERR_FILENO);
    ran.out = out.text();
    ran.err = err.text();
    return ran;
}

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
    CHECK(format_error(error, {}) == "error: disk full\n  while writing x\n  free some space\n");
}

TEST_CASE("trees are drawn with lines where the locale's characters are UTF-8, else with blanks") {
    const Error error(ErrorKind::Unsatisfiable, "no\n├─ asked: a\n│  └─ a 1 needs b\n└─ asked: c");
    DisplayOptions utf8;
    utf8.utf8 = true;
    CHECK(format_error(error, utf8) == "error: no\n  ├─ asked: a\n  │  └─ a 1 needs b\n  └─ asked: c\n");
    CHECK(format_error(error, {}) == "error: no\n     asked: a\n        a 1 needs b\n     asked: c\n");
}

TEST_CASE("an error for machines has all that the text has, and the explanation") {
    const auto plain = error_json(Error(ErrorKind::Unsatisfiable, "no files").with_context("asking pip"))["error"];
    CHECK(plain["kind"].as_string() == "unsatisfiable");
    CHECK(plain["exit_code"].as_int() == 5);
    CHECK(plain["message"].as_string() == "no files");
    CHECK(plain["context"] == Json(std::vector<std::string>{"asking pip"}));
    CHECK(plain["hint"].is_null());
    CHECK(plain["explanation"].is_null());
    const auto told = error_json(
        Error(ErrorKind::Unsatisfiable, "no").with_hint("relax").with_details(R"({"specs":["a"]})"))["error"];
    CHECK(told["hint"].as_string() == "relax");
    CHECK(told["explanation"]["specs"] == Json(std::vector<std::string>{"a"}));
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

TEST_CASE("an answer of many pages that standard output cannot take is Io, whatever its length") {
    std::fflush(stdout);
    const UniqueFd before(::dup(STDOUT_FILENO));
    const UniqueFd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
    REQUIRE(full);
    for (const std::size_t size : {std::size_t{1}, std::size_t{100'000}}) {
        auto kind = ErrorKind::Bug;
        ::dup2(full.get(), STDOUT_FILENO);
        try {
            print_answer(std::string(size, 'x'));
        } catch (const Error& error) {
            kind = error.kind();
        }
        ::dup2(before.get(), STDOUT_FILENO);
        std::clearerr(stdout);
        CHECK(kind == ErrorKind::Io);
    }
}

TEST_CASE("options that every command takes may stand before its name") {
    const TempDir home("cli-test");
    const auto file = (home.path() / "env.yml").string();
    write_file_atomic(file, "channels: [conda-forge]\ndependencies: [nomkl]\n");
    const auto plainly = run(home, {"hash", file, "-q"});
    REQUIRE(plainly.code == 0);
    for (const std::vector<std::string>& before : {std::vector<std::string>{"-q"},
                                                   {"--quiet", "-v"},
                                                   {"-qv"},
                                                   {"--progress", "plain"},
                                                   {"--timeout=90s", "-q"}}) {
        auto arguments = before;
        arguments.insert(arguments.end(), {"hash", file});
        const auto ran = run(home, arguments);
        INFO(ran.err);
        CHECK(ran.code == 0);
        CHECK(ran.out == plainly.out);
    }
    CHECK(run(home, {"--json", "hash", file}).out.starts_with("{"));
}

TEST_CASE("a command is meant where an environment is not found, and only there") {
    const TempDir home("cli-test");
    const auto slip = run(home, {"lokup"});
    CHECK(slip.code == 2);
    CHECK(slip.err.find("did you mean the command 'lookup'?") != std::string::npos);
    const auto lock = run(home, {"build", "--lock", "nosuch.lock"});
    CHECK(lock.code == 2);
    CHECK(lock.err.find("command 'lock'") == std::string::npos);
    const auto name = run(home, {"zzzzzzzzzz"});
    CHECK(name.err.find("envbuild list shows") != std::string::npos);
}

TEST_CASE("options that are empty, or no CPU, are refused and not dropped") {
    const TempDir home("cli-test");
    const auto file = (home.path() / "env.yml").string();
    write_file_atomic(file, "channels: [conda-forge]\ndependencies: [nomkl]\n");
    for (const std::string option : {"--base", "--cuda", "--target-cuda", "--target-cpu", "--platform", "--python"}) {
        const auto ran = run(home, {"hash", file, option, ""});
        INFO(option << " " << ran.err);
        CHECK(ran.code == 2);
        CHECK(ran.out.empty());
    }
    for (const std::string cpu : {"x", "X86_64", "v 3", "3"}) {
        const auto ran = run(home, {"hash", file, "--target-cpu", cpu});
        INFO(cpu);
        CHECK(ran.code == 2);
        CHECK(ran.err.find("archspec") != std::string::npos);
    }
    for (const auto& [cpu, platform] : std::map<std::string, std::string>{
             {"x86_64_v3", "linux-64"}, {"zen2", "linux-64"}, {"neoverse_n1", "linux-aarch64"}}) {
        const auto ran = run(home, {"hash", file, "--platform", platform, "--target-cpu", cpu, "-q"});
        INFO(cpu << " " << ran.err);
        CHECK(ran.code == 0);
    }
}

TEST_CASE("an output lies in a folder that is there: nothing is made for a slip in its path") {
    const TempDir home("cli-test");
    CHECK_NOTHROW(check_output(home.path() / "l.yml"));
    CHECK_NOTHROW(check_output(home.path() / "folder/"));
    CHECK_NOTHROW(check_output("l.yml"));
    CHECK_THROWS_WITH(check_output(home.path() / "no/l.yml"), Catch::Contains("there is no folder"));
    const auto file = (home.path() / "env.yml").string();
    write_file_atomic(file, "channels: [conda-forge]\ndependencies: [nomkl]\n");
    for (const std::string command : {"lock", "dockerfile"}) {
        const auto ran = run(home, {command, file, "-o", (home.path() / "no/such/place").string()});
        INFO(ran.err);
        CHECK(ran.code == 2);
        CHECK(ran.err.find("there is no folder") != std::string::npos);
    }
    CHECK_FALSE(fs::exists(home.path() / "no"));
}

TEST_CASE("a full disk under an output speaks of the output") {
    try {
        write_output("/srv/out", [] { throw Error(ErrorKind::Io, "no space").with_hint("XDG_CACHE_HOME"); });
        FAIL("was written");
    } catch (const Error& error) {
        CHECK(error.hint().find("/srv/out") != std::string::npos);
        CHECK(error.hint().find("XDG") == std::string::npos);
    }
}

TEST_CASE("with --json an error prints nothing on standard output") {
    const TempDir home("cli-test");
    for (const std::string command : {"build", "hash", "lookup", "lock", "check"}) {
        const auto ran = run(home, {command, "/nowhere/nosuch.yml", "--json"});
        CHECK(ran.code == 2);
        CHECK(ran.out.empty());
        CHECK(ran.err.starts_with("error: "));
    }
}

TEST_CASE("a name that no file can have is bad input") {
    const TempDir home("cli-test");
    CHECK(run(home, {"hash", std::string(300, 'a') + ".yml"}).code == 2);
}

TEST_CASE("errors say what to do next: a cut hash, a closed registry, an empty lock") {
    const TempDir home("cli-test");
    const auto cut = run(home, {"lookup", "deadbeef"});
    CHECK(cut.code == 2);
    CHECK(cut.err.find("64 hexadecimal digits, and this has 8") != std::string::npos);
    // Port 1 of loopback is nobody's.
    const auto closed =
        run(home, {"lookup", std::string(64, 'a'), "--registry", "127.0.0.1:1/envs", "--timeout", "60"});
    CHECK(closed.code == 4);
    CHECK(closed.err.find("ENVBUILD_REGISTRY") != std::string::npos);
    const auto lock = home.path() / "empty.lock";
    write_file_atomic(lock, "");
    CHECK_THROWS_WITH(read_lock_file(lock, ""), Catch::Contains("empty.lock: the lock file is empty"));
}

TEST_CASE("help names the program, counts have their plural") {
    const TempDir home("cli-test");
    CHECK(run(home, {"help", "build"}).out.find("Usage: envbuild build") != std::string::npos);
    CHECK(run(home, {"build", "--help"}).out.find("Usage: envbuild build") != std::string::npos);
    const auto file = (home.path() / "env.yml").string();
    write_file_atomic(file, "channels: [conda-forge]\ndependencies: [python=3.11, numpy]\n");
    CHECK(run(home, {"check", file}).out.find(": 0 errors, 1 warning\n") != std::string::npos);
    CHECK(format_amount(Reporter::Unit::Steps, 4, 0) == "4 steps");
    CHECK(format_amount(Reporter::Unit::Steps, 1, 0) == "1 step");
}

TEST_CASE("plain display: what is done at once has one line") {
    const Capture out;
    {
        const auto display = make_display(plain(), out.stream());
        const auto work = display->start("Downloading", Reporter::Unit::Bytes, 100);
        work->advance(100);
    }
    const auto text = out.text();
    CHECK(text.find("Downloading") == text.rfind("Downloading"));
    CHECK(text.find("Downloading: 100 B in ") == 0);
    const Capture asked;
    {
        const auto options = DisplayOptions::decide(ProgressMode::Plain, false, 0, asked.stream());
        const auto display = make_display(options, asked.stream());
        const auto work = display->start("Downloading", Reporter::Unit::Bytes, 0);
        CHECK(asked.text() == "Downloading\n");
    }
}
