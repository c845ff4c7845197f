#include "cli/command.hpp"

namespace envbuild::cli {

void add_hash_command(CLI::App& app, CommandContext& context, Action& chosen) {
    auto* command = app.add_subcommand("hash", "Print the spec hash of a file: 64 hex digits");
    auto options = std::make_shared<build::IntentOptions>();
    auto canonical = std::make_shared<bool>(false);
    command
        ->add_option("FILE", options->environment,
                     "A file, a directory, NAME[:VERSION|@LABEL], or - for standard input")
        ->required();
    add_intent_options(*command, *options);
    command->add_flag("--canonical", *canonical, "Print the canonical JSON that is hashed instead");
    add_common_options(*command, context, false);
    command->footer(
        "Two files that mean the same have the same hash; docs/hash.md says when they do.\n\n"
        "Examples:\n  envbuild hash environment.yml\n  envbuild hash environment.yml --gpu --cuda 11.8\n"
        "  diff <(envbuild hash a.yml --canonical) <(envbuild hash b.yml --canonical)");
    command->callback([options, canonical, &context, &chosen] {
        chosen = [options, canonical, &context] {
            const auto intent = build::read_intent(*options, context.bench());
            if (*canonical) {
                print_answer(intent.spec().canonical().canonical());
            } else if (context.common.json) {
                print_answer(Json::object()
                                 .set("spec_hash", intent.hash.hex())
                                 .set("canonical", intent.spec().canonical())
                                 .dump());
            } else {
                print_answer(intent.hash.hex());
            }
            return 0;
        };
    });
}

}  // namespace envbuild::cli
