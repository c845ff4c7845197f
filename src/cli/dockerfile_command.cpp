#include <fmt/format.h>

#include "build/plan.hpp"
#include "build/resolver.hpp"
#include "cli/command.hpp"
#include "cli/output_file.hpp"
#include "cli/read_lock.hpp"

namespace envbuild::cli {

namespace {

struct Arguments {
    build::IntentOptions intent;
    std::string lock, output;
};

build::Resolution resolution_of(const Arguments& arguments, const build::Workbench& bench, build::Stages& stages) {
    if (arguments.lock.empty())
        return build::resolve(build::read_intent(arguments.intent, bench), bench.repository(), bench, stages);
    auto locked = build::with_present_templates(read_lock_file(arguments.lock, arguments.intent.platform), bench);
    auto base = build::base_of(locked, bench.repository(), bench);
    return {std::move(locked), std::move(base)};
}

int run(const Arguments& arguments, CommandContext& context) {
    if (arguments.lock.empty() == arguments.intent.environment.empty()) {
        throw Error(ErrorKind::InvalidInput, "name an environment file, or a lock with --lock, and not both");
    }
    check_output(arguments.output);
    const auto& bench = context.bench();
    build::Stages stages;
    const auto resolution = resolution_of(arguments, bench, stages);
    if (resolution.lock.user_managed) {
        throw Error(ErrorKind::InvalidInput,
                    "nothing is installed in this environment, so it has no build context of envbuild's")
            .with_hint("its image is " + resolution.base.pull_reference() + " with the definition's variables");
    }
    const auto plan = build::make_plan(resolution.lock, resolution.base, bench, stages);
    const auto files = build::render_context(plan, bench.settings(), false, plan.base.pull_reference());
    write_output(arguments.output, [&] { dockerfile::write_context(files, arguments.output); });
    context.close_display();
    if (context.common.json) {
        Json json = Json::object();
        json.set("directory", arguments.output)
            .set("lock_hash", plan.hash.hex())
            .set("base_image", plan.base.pull_reference());
        print_answer(json.set("packages", static_cast<std::int64_t>(plan.packages.size() + plan.pip.size())).dump());
    } else {
        print_answer(arguments.output);
    }
    if (!context.common.quiet) tell("Build it: docker build --network none -t my-env {}\n", arguments.output);
    return 0;
}

}  // namespace

void add_dockerfile_command(CLI::App& app, CommandContext& context, Action& chosen) {
    auto* command =
        app.add_subcommand("dockerfile", "Write the whole build context, buildable by hand with docker build");
    auto arguments = std::make_shared<Arguments>();
    command->add_option("FILE", arguments->intent.environment,
                        "environment.yml or requirements.txt; - for standard input");
    command->add_option("--lock", arguments->lock, "The context of exactly this conda-lock file");
    command->add_option("-o,--output", arguments->output, "The folder to write: absent, empty, or an earlier export")
        ->required();
    add_intent_options(*command, arguments->intent);
    add_common_options(*command, context, false);
    command->footer(
        "The folder holds the Dockerfile, every package and the installer; building it needs no network.\n\n"
        "Examples:\n  envbuild dockerfile environment.yml --gpu -o context\n  docker build --network none -t my-env "
        "context");
    command->callback(
        [arguments, &context, &chosen] { chosen = [arguments, &context] { return run(*arguments, context); }; });
}

}  // namespace envbuild::cli
