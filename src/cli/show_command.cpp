#include <fmt/format.h>

#include "build/docker_builder.hpp"
#include "build/environment_view.hpp"
#include "build/plan.hpp"
#include "build/resolver.hpp"
#include "cli/command.hpp"
#include "lock/conda_lock.hpp"

namespace envbuild::cli {

namespace {

struct Arguments {
    build::IntentOptions intent;
    bool dockerfile = false, lock = false;
};

std::string without_last_newline(std::string text) {
    if (text.ends_with('\n')) text.pop_back();
    return text;
}

// Both are made by resolving: nothing of them is kept with a name.
std::string resolved_text(const Arguments& arguments, CommandContext& context) {
    const auto& bench = context.bench();
    build::Stages stages;
    const auto intent = build::read_intent(arguments.intent, bench);
    const auto resolution = build::resolve(intent, bench.repository(), bench, stages);
    if (arguments.lock) return lock::write_conda_lock(resolution.lock, intent.label);
    if (resolution.lock.user_managed) {
        return fmt::format("FROM {}\n", resolution.base.pull_reference());
    }
    const auto plan = build::make_plan(resolution.lock, resolution.base, bench, stages);
    return build::render_context(plan, bench.settings(), false, plan.base.pull_reference()).dockerfile();
}

int run(const Arguments& arguments, CommandContext& context) {
    if (arguments.dockerfile || arguments.lock) {
        const auto text = resolved_text(arguments, context);
        context.close_display();
        print_answer(context.common.json ? Json::object().set(arguments.lock ? "lock" : "dockerfile", text).dump()
                                         : without_last_newline(text));
        return 0;
    }
    const auto view = build::view_environment(arguments.intent, context.bench());
    context.close_display();
    print_answer(context.common.json ? view.to_json().dump() : view.to_text());
    if (!view.fault) return 0;
    throw Error(*view.fault);
}

}  // namespace

void add_show_command(CLI::App& app, CommandContext& context, Action& chosen) {
    auto* command = app.add_subcommand("show", "What is in an environment, and where its image is");
    auto arguments = std::make_shared<Arguments>();
    command->add_option("ENVIRONMENT", arguments->intent.environment, "NAME[:VERSION|@LABEL], a file, or a directory")
        ->required();
    auto* dockerfile = command->add_flag("--dockerfile", arguments->dockerfile, "Its Dockerfile, resolved now");
    command->add_flag("--lock", arguments->lock, "Its lock, resolved now")->excludes(dockerfile);
    add_intent_options(*command, arguments->intent);
    add_common_options(*command, context, true);
    command->footer(
        "Examples:\n  envbuild show AzureML-PyTorch-1.6-GPU\n  envbuild show train@stable --json\n"
        "  envbuild show AzureML-Minimal --lock > conda-lock.yml");
    command->callback(
        [arguments, &context, &chosen] { chosen = [arguments, &context] { return run(*arguments, context); }; });
}

}  // namespace envbuild::cli
