#include "base/process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <system_error>
#include <thread>

#include "base/error.hpp"
#include "base/fs.hpp"

namespace envbuild {

namespace {

struct Pipe {
    UniqueFd read, write;
    Pipe() {
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) != 0) throw Error(ErrorKind::Io, "cannot make a pipe");
        read = UniqueFd(ends[0]);
        write = UniqueFd(ends[1]);
    }
};

class Child {
  public:
    explicit Child(pid_t pid) : pid_(pid) {}
    ~Child() {
        if (pid_ > 0) {
            ::kill(pid_, SIGKILL);
            ::waitpid(pid_, nullptr, 0);
        }
    }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    // The exit code once it has ended, -1 before.
    int poll_exit() {
        int status = 0;
        if (::waitpid(pid_, &status, WNOHANG) != pid_) return -1;
        pid_ = -1;
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }

  private:
    pid_t pid_;
};

// A program may end without having read its input: that is EPIPE here, not the signal that would end this process.
ssize_t write_without_signal(int fd, std::string_view bytes) {
    sigset_t pipe_signal;
    sigset_t before;
    sigset_t pending;
    ::sigemptyset(&pipe_signal);
    ::sigaddset(&pipe_signal, SIGPIPE);
    ::sigpending(&pending);
    ::pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
    const ssize_t put = ::write(fd, bytes.data(), bytes.size());
    const int code = errno;
    if (put < 0 && code == EPIPE && ::sigismember(&pending, SIGPIPE) == 0) {
        const timespec at_once{};
        ::sigtimedwait(&pipe_signal, nullptr, &at_once);
    }
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    errno = code;
    return put;
}

bool read_some(const UniqueFd& fd, std::string& out, std::size_t limit) {
    std::array<char, 4096> buffer{};
    const ssize_t got = ::read(fd.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) return true;
    if (got <= 0) return false;
    out.append(buffer.data(), std::min(static_cast<std::size_t>(got), limit - std::min(limit, out.size())));
    return true;
}

}  // namespace

ProcessResult run_process(const std::vector<std::string>& argv, std::string_view input,
                          std::chrono::milliseconds timeout, const CancelToken& cancel, std::size_t output_limit) {
    Pipe in;
    Pipe out;
    Pipe err;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in.read.get(), 0);
    posix_spawn_file_actions_adddup2(&actions, out.write.get(), 1);
    posix_spawn_file_actions_adddup2(&actions, err.write.get(), 2);
    std::vector<char*> arguments;
    for (const auto& argument : argv) arguments.push_back(const_cast<char*>(argument.c_str()));
    arguments.push_back(nullptr);
    pid_t pid = -1;
    const int error = ::posix_spawnp(&pid, arguments[0], &actions, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0) {
        throw Error(error == ENOENT ? ErrorKind::NotFound : ErrorKind::Io,
                    fmt::format("cannot run {}: {}", argv[0], std::generic_category().message(error)));
    }
    Child child(pid);
    in.read.reset();
    out.write.reset();
    err.write.reset();
    ::fcntl(in.write.get(), F_SETFL, O_NONBLOCK);
    if (input.empty()) in.write.reset();

    ProcessResult result;
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    while (out.read || err.read) {
        cancel.throw_if_cancelled();
        if (std::chrono::steady_clock::now() > deadline) {
            throw Error(ErrorKind::Transient,
                        fmt::format("{} did not answer within {} s", argv[0], timeout.count() / 1000));
        }
        std::array<pollfd, 3> waits{pollfd{out.read.get(), POLLIN, 0}, pollfd{err.read.get(), POLLIN, 0},
                                    pollfd{in.write.get(), POLLOUT, 0}};
        ::poll(waits.data(), waits.size(), 50);
        if (waits[0].revents != 0 && !read_some(out.read, result.out, output_limit)) out.read.reset();
        if (waits[1].revents != 0 && !read_some(err.read, result.err, output_limit)) err.read.reset();
        if (waits[2].revents != 0 && in.write) {
            const ssize_t put = write_without_signal(in.write.get(), input);
            if (put > 0) input.remove_prefix(static_cast<std::size_t>(put));
            if (input.empty() || (put < 0 && errno != EINTR && errno != EAGAIN)) in.write.reset();
        }
    }
    while ((result.exit_code = child.poll_exit()) < 0) {
        cancel.throw_if_cancelled();
        if (std::chrono::steady_clock::now() > deadline) {
            throw Error(ErrorKind::Transient,
                        fmt::format("{} did not end within {} s", argv[0], timeout.count() / 1000));
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return result;
}

}  // namespace envbuild
