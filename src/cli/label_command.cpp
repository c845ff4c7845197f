#include <fmt/format.h>

#include "build/name_changes.hpp"
#include "cli/command.hpp"

namespace envbuild::cli {

namespace {

struct Arguments {
    std::string environment, label;
    bool remove = false;
};

int label_it(const Arguments& arguments, CommandContext& context) {
    const auto ref = value_or_throw(build::NameRef::parse(arguments.environment));
    const auto change = arguments.remove ? build::remove_label(ref, arguments.label, context.bench())
                                         : build::set_label(ref, arguments.label, context.bench());
    const auto version = change.name + ":" + change.version;
    context.reporter().note(fmt::format("{} {} {}@{}", version,
                                        arguments.remove ? "is no longer"
                                        : change.changed ? "is now"
                                                         : "is already",
                                        change.name, arguments.label));
    context.close_display();
    print_answer(context.common.json ? Json::object()
                                           .set("name", change.name)
                                           .set("version", change.version)
                                           .set("label", arguments.label)
                                           .set("set", !arguments.remove)
                                           .set("changed", change.changed)
                                           .dump()
                                     : version);
    return 0;
}

}  // namespace

void add_label_command(CLI::App& app, CommandContext& context, Action& chosen) {
    auto* command = app.add_subcommand("label", "Set, move or remove a label of a registered environment");
    auto arguments = std::make_shared<Arguments>();
    command->add_option("ENVIRONMENT", arguments->environment, "NAME:VERSION or NAME@LABEL; NAME is enough to --remove")
        ->required();
    command->add_option("LABEL", arguments->label, "The label, such as stable")->required();
    command->add_flag("--remove", arguments->remove, "Take the label away");
    add_common_options(*command, context, true);
    command->footer(
        "A label is on one version of a name at a time; setting it again moves it. Without a label `latest`, that is "
        "the "
        "last version that is not archived.\nThe answer is NAME:VERSION.\n\n"
        "Examples:\n  envbuild label train:3 stable\n  envbuild label train@next stable\n"
        "  envbuild label train stable --remove");
    command->callback(
        [arguments, &context, &chosen] { chosen = [arguments, &context] { return label_it(*arguments, context); }; });
}

}  // namespace envbuild::cli
