#include <fmt/format.h>

#include "build/builder.hpp"
#include "cli/command.hpp"
#include "cli/read_lock.hpp"

namespace envbuild::cli {

namespace {

struct Arguments {
    build::IntentOptions intent;
    build::BuildOptions build;
    std::string lock;
};

// What a lock has decided already cannot be asked for again beside it.
void refuse_beside_lock(const Arguments& arguments) {
    const auto& asked = arguments.intent;
    const char* clash = !asked.environment.empty()   ? "a file"
                        : asked.gpu                  ? "--gpu"
                        : !asked.cuda.empty()        ? "--cuda"
                        : !asked.base.empty()        ? "--base"
                        : !asked.channels.empty()    ? "--channel"
                        : !asked.variables.empty()   ? "--env"
                        : !asked.target_cuda.empty() ? "--target-cuda"
                        : !asked.target_cpu.empty()  ? "--target-cpu"
                        : !asked.python.empty()      ? "--python"
                        : arguments.build.refresh    ? "--refresh"
                                                     : nullptr;
    if (clash == nullptr) return;
    throw Error(ErrorKind::InvalidInput,
                fmt::format("--lock builds exactly what the lock says, so {} cannot be given with it", clash))
        .with_hint("make another lock: envbuild lock FILE -o conda-lock.yml");
}

int run(const Arguments& arguments, CommandContext& context) {
    if (arguments.lock.empty() && arguments.intent.environment.empty()) {
        throw Error(ErrorKind::InvalidInput, "nothing to build: name an environment file, or a lock with --lock")
            .with_hint("envbuild help build has examples");
    }
    build::BuildAnswer answer;
    if (arguments.lock.empty()) {
        const auto intent = build::read_intent(arguments.intent, context.bench());
        answer = build::build_environment(intent, arguments.build, context.bench());
    } else {
        refuse_beside_lock(arguments);
        answer = build::build_lock(read_lock_file(arguments.lock, arguments.intent.platform), arguments.build,
                                   context.bench());
    }
    const auto command = build::run_command(answer, context.bench().settings());
    context.close_display();
    print_answer(context.common.json ? answer.to_json().dump() : answer.image);
    if (!context.common.quiet) {
        if (!answer.load_command.empty()) tell("If the engine does not have it: {}\n", answer.load_command);
        tell("Run it: {}\n", command);
    }
    return 0;
}

}  // namespace

void add_build_command(CLI::App& app, CommandContext& context, Action& chosen) {
    auto* command = app.add_subcommand("build", "Build or reuse the image of an environment (the default command)");
    auto arguments = std::make_shared<Arguments>();
    command->add_option("FILE", arguments->intent.environment,
                        "A file, a directory, NAME[:VERSION|@LABEL], or - for standard input");
    command->add_option("--lock", arguments->lock, "Build exactly this conda-lock file");
    add_intent_options(*command, arguments->intent);
    command->add_flag("--refresh", arguments->build.refresh,
                      "Resolve again, and let the new answer take the old one's place");
    command->add_flag("--rebuild", arguments->build.rebuild, "Resolve and build again, even where the image is there");
    command
        ->add_option("-t,--tag", arguments->build.tags,
                     "A further tag in the repository, and in the engine where the image is built now; may be repeated")
        ->allow_extra_args(false);
    command->add_flag("--no-push", arguments->build.no_push, "Keep the image here: ask and write no registry");
    add_common_options(*command, context, true);
    command->footer(
        "The only line on standard output is the image's digest reference; the last line on standard error runs it.\n\n"
        "Examples:\n  envbuild conda_dependencies.yml --gpu\n  envbuild build environment.yml --cuda 11.8 --registry "
        "registry.lab:5000/team/envs\n"
        "  envbuild build requirements.txt --python 3.11\n  envbuild build --lock conda-lock.yml\n  envbuild "
        "environment.yml --json | jq -r .image");
    command->callback(
        [arguments, &context, &chosen] { chosen = [arguments, &context] { return run(*arguments, context); }; });
}

}  // namespace envbuild::cli
