#include "install/program.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/error.hpp"
#include "base/fs.hpp"

namespace envbuild::install {

namespace {

enum class Step : int { Root, Directory, Exec };
struct Failure {
    Step step;
    int code;
};

std::vector<char*> pointers(std::vector<std::string>& strings) {
    std::vector<char*> result;
    result.reserve(strings.size() + 1);
    for (auto& text : strings) result.push_back(text.data());
    result.push_back(nullptr);
    return result;
}

}  // namespace

int run(const Program& program) {
    std::vector<std::string> argv = program.argv;
    std::vector<std::string> env;
    env.reserve(program.env.size());
    for (const auto& [name, value] : program.env) env.push_back(fmt::format("{}={}", name, value));
    const auto argv_pointers = pointers(argv);
    const auto env_pointers = pointers(env);
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw Error(ErrorKind::Io, "cannot make a pipe");
    const UniqueFd report(ends[0]);
    UniqueFd complaint(ends[1]);
    std::fflush(nullptr);

    const pid_t pid = ::fork();
    if (pid < 0) throw Error(ErrorKind::Io, fmt::format("cannot start {}: {}", argv[0], std::strerror(errno)));
    if (pid == 0) {
        // Only async-signal-safe calls from here on.
        Failure failure{Step::Root, 0};
        const int null = ::open("/dev/null", O_RDONLY);
        if (null >= 0) ::dup2(null, 0);
        if (program.root != "/" && ::chroot(program.root.c_str()) != 0) {
            failure.code = errno;
        } else if (failure.step = Step::Directory; ::chdir(program.directory.c_str()) != 0) {
            failure.code = errno;
        } else {
            ::execve(argv_pointers[0], argv_pointers.data(), env_pointers.data());
            failure = {Step::Exec, errno};
        }
        (void)!::write(complaint.get(), &failure, sizeof failure);
        ::_exit(127);
    }
    complaint.reset();
    Failure failure{Step::Exec, 0};
    ssize_t got = 0;
    while ((got = ::read(report.get(), &failure, sizeof failure)) < 0 && errno == EINTR) {
    }
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (got == static_cast<ssize_t>(sizeof failure)) {
        const std::string what = failure.step == Step::Root
                                     ? fmt::format("change the root to {}", program.root.string())
                                 : failure.step == Step::Directory ? fmt::format("go to {}", program.directory)
                                                                   : "run it";
        throw Error(ErrorKind::BuildFailed,
                    fmt::format("{}: cannot {}: {}", argv[0], what, std::strerror(failure.code)));
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace envbuild::install
