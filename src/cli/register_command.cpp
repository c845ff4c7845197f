#include <fmt/format.h>

#include "catalog/claims.hpp"
#include "cli/definition_options.hpp"

namespace envbuild::cli {

namespace {

struct Arguments {
    build::DefinitionEdits edits;
    build::Registration registration;
};

int register_it(const Arguments& arguments, CommandContext& context) {
    const auto& bench = context.bench();
    const auto& name = arguments.registration.name;
    value_or_throw(catalog::ReservedPrefixes(bench.settings().reserved_prefixes).check(name));
    const auto source = build::definition_source(arguments.edits, bench);
    const auto done = build::register_definition(source, arguments.registration, bench);
    context.reporter().note(done.is_new
                                ? fmt::format("Registered {} as {}:{}", source.label, done.name, done.version)
                                : fmt::format("{} has this content already, as version {}", done.name, done.version));
    context.close_display();
    print_answer(context.common.json ? Json::object()
                                           .set("name", done.name)
                                           .set("version", done.version)
                                           .set("spec_hash", done.spec_hash)
                                           .set("new", done.is_new)
                                           .dump()
                                     : done.name + ":" + done.version);
    return 0;
}

void add_registration_options(CLI::App& command, build::Registration& registration) {
    command.add_option("--version", registration.version, "The version; the next number where none is said");
    command.add_option("--label", registration.labels, "A label to set on it, such as stable; may be repeated")
        ->allow_extra_args(false);
    command.add_option("--description", registration.description, "What it is for");
    add_pairs_option(command, "-t,--tag", "KEY=value: may be repeated", registration.tags);
}

}  // namespace

void add_register_command(CLI::App& app, CommandContext& context, Action& chosen) {
    auto* command = app.add_subcommand("register", "Put an environment under a name in the team's repository");
    auto arguments = std::make_shared<Arguments>();
    add_definition_options(*command, arguments->edits);
    command->add_option("-n,--name", arguments->registration.name, "The name")->required();
    add_registration_options(*command, arguments->registration);
    add_common_options(*command, context, true);
    command->footer(
        "Each registration is a new version; the same content again is the version that it is already.\nThe answer is "
        "NAME:VERSION.\n\n"
        "Examples:\n  envbuild register pytorch/ --name my-pytorch\n  envbuild register environment.yml --gpu --name "
        "train "
        "--label stable --tag team=vision\n"
        "  envbuild register --image registry.lab:5000/base/torch:2.1 --name torch");
    command->callback([arguments, &context, &chosen] {
        chosen = [arguments, &context] { return register_it(*arguments, context); };
    });
}

void add_clone_command(CLI::App& app, CommandContext& context, Action& chosen) {
    auto* command = app.add_subcommand("clone", "Give an environment another name: same spec hash, same image");
    auto arguments = std::make_shared<Arguments>();
    command->add_option("ENVIRONMENT", arguments->edits.intent.environment, "NAME[:VERSION|@LABEL]")->required();
    command->add_option("NAME", arguments->registration.name, "The new name")->required();
    add_registration_options(*command, arguments->registration);
    add_common_options(*command, context, true);
    command->footer(
        "Nothing is built: the clone has the image of the original where there is one.\n\n"
        "Examples:\n  envbuild clone AzureML-PyTorch-1.6-GPU pytorch-1.6-gpu\n  envbuild clone train@stable "
        "train-next");
    command->callback([arguments, &context, &chosen] {
        chosen = [arguments, &context] { return register_it(*arguments, context); };
    });
}

}  // namespace envbuild::cli
