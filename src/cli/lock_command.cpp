#include <fmt/format.h>

#include <algorithm>

#include "build/resolver.hpp"
#include "cli/command.hpp"
#include "cli/output_file.hpp"
#include "lock/conda_lock.hpp"

namespace envbuild::cli {

namespace {

struct Arguments {
    build::IntentOptions intent;
    std::string output = "-", form = "conda-lock";
};

int run(const Arguments& arguments, CommandContext& context) {
    const bool to_stdout = arguments.output == "-";
    const bool explicit_form = arguments.form == "explicit";
    if (!to_stdout) check_output(arguments.output);
    auto intent = build::read_intent(arguments.intent, context.bench());
    const auto left_out = explicit_form ? intent.read.spec.pip.size() : 0;
    if (left_out > 0) {
        context.reporter().warn(
            fmt::format("the explicit format holds conda packages only: {} requirement{} of the "
                        "pip section {} left out",
                        left_out, left_out == 1 ? "" : "s", left_out == 1 ? "is" : "are"));
        intent.read.spec.pip.clear();
    }
    build::Stages stages;
    auto resolution = build::resolve(intent, context.bench().repository(), context.bench(), stages);
    resolution.lock.move_sources(to_stdout ? "." : std::filesystem::path(arguments.output).parent_path());
    const auto source = arguments.intent.environment == "-" ? "environment.yml" : intent.label;
    const auto text =
        explicit_form ? lock::write_explicit(resolution.lock) : lock::write_conda_lock(resolution.lock, source);
    const auto packages = std::ssize(resolution.lock.conda) +
                          std::ranges::count(resolution.lock.pip, false, &lock::PipPackage::build_only);
    context.close_display();
    if (!to_stdout) {
        write_output(arguments.output, text);
        context.reporter().note(
            fmt::format("Wrote {} ({} package{})", arguments.output, packages, packages == 1 ? "" : "s"));
    }
    if (context.common.json) {
        Json json = Json::object();
        json.set("spec_hash", intent.hash.hex());
        // Without its pip files it is no lock of this environment.
        json.set("lock_hash", left_out > 0 ? Json() : Json(resolution.lock.hash().hex()));
        json.set("file", to_stdout ? Json() : Json(arguments.output));
        json.set("packages", static_cast<std::int64_t>(packages));
        if (to_stdout) json.set("lock", text);
        print_answer(json.set("seconds", stages.to_json()).dump());
    } else if (to_stdout) {
        print_answer(text.ends_with('\n') ? std::string_view(text).substr(0, text.size() - 1) : std::string_view(text));
    }
    return 0;
}

}  // namespace

void add_lock_command(CLI::App& app, CommandContext& context, Action& chosen) {
    auto* command =
        app.add_subcommand("lock", "Resolve only: write a conda-lock file with every package pinned by hash");
    auto arguments = std::make_shared<Arguments>();
    command
        ->add_option("FILE", arguments->intent.environment,
                     "A file, a directory, NAME[:VERSION|@LABEL], or - for standard input")
        ->required();
    command->add_option("-o,--output", arguments->output, "Where to write it; - for standard output")
        ->capture_default_str();
    command
        ->add_option("--format", arguments->form,
                     "conda-lock, or explicit (conda packages only: a pip section is left out)")
        ->check(CLI::IsMember({"conda-lock", "explicit"}))
        ->capture_default_str();
    add_intent_options(*command, arguments->intent);
    add_common_options(*command, context, false);
    command->footer(
        "The file is conda-lock's own format; conda-lock and micromamba read it, and envbuild build --lock builds "
        "exactly it.\n\n"
        "Examples:\n  envbuild lock environment.yml -o conda-lock.yml\n  envbuild build --lock conda-lock.yml");
    command->callback(
        [arguments, &context, &chosen] { chosen = [arguments, &context] { return run(*arguments, context); }; });
}

}  // namespace envbuild::cli
