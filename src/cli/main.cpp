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

}  // namespace

int main(int argc, char** argv) {
    (void)interrupt_token();
    std::signal(SIGINT, on_interrupt);
    std::signal(SIGTERM, on_interrupt);
    std::signal(SIGPIPE, SIG_IGN);
    return envbuild::cli::run_command_line({argv + 1, argv + argc}, envbuild::ProcessEnv::from_process(),
                                           interrupt_token());
}
