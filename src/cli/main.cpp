#include <fcntl.h>
#include <unistd.h>

#include <csignal>

#include "cli/command_line.hpp"

namespace {

// Signal handlers can only reach what is static; this token is copied into every part of the run.
envbuild::CancelToken& interrupt_token() {
    static envbuild::CancelToken token;
    return token;
}

// The first signal asks the run to end in order; the second ends it at once.
extern "C" void on_interrupt(int signal) {
    interrupt_token().cancel();
    std::signal(signal, SIG_DFL);
}

// Where the caller closed one of the three, the next file that is opened would take its number, and messages would go
// into it. Opened the wrong way round, so that their use fails as before.
void occupy_standard_streams() {
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        if (::fcntl(fd, F_GETFD) < 0) static_cast<void>(::open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY));
    }
}

}  // namespace

int main(int argc, char** argv) {
    occupy_standard_streams();
    (void)interrupt_token();
    std::signal(SIGINT, on_interrupt);
    std::signal(SIGTERM, on_interrupt);
    std::signal(SIGPIPE, SIG_IGN);
    return envbuild::cli::run_command_line({argv + 1, argv + argc}, envbuild::ProcessEnv::from_process(),
                                           interrupt_token());
}
