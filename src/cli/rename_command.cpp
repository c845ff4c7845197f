#include <fmt/format.h>

#include "build/name_changes.hpp"
#include "cli/command.hpp"

namespace envbuild::cli {

namespace {

struct Arguments {
    std::string from, to;
};

int rename_it(const Arguments& arguments, CommandContext& context) {
    const auto change = build::rename_environment(arguments.from, arguments.to, context.bench());
    context.reporter().note(fmt::format("{} is now {}; the old name still leads to it", arguments.from, change.name));
    context.close_display();
    print_answer(
        context.common.json
            ? Json::object().set("old", arguments.from).set("name", change.name).set("changed", change.changed).dump()
            : change.name);
    return 0;
}

}  // namespace

void add_rename_command(CLI::App& app, CommandContext& context, Action& chosen) {
    auto* command = app.add_subcommand("rename", "Give a registered environment another name, with all its versions");
    auto arguments = std::make_shared<Arguments>();
    command->add_option("OLD", arguments->from, "The name now")->required();
    command->add_option("NEW", arguments->to, "The name then")->required();
    add_common_options(*command, context, true);
    command->footer(
        "Nothing is built: versions, labels and images stay. The old name leads to the new one until somebody "
        "registers something else under it.\n\nExample:\n  envbuild rename train train-resnet");
    command->callback(
        [arguments, &context, &chosen] { chosen = [arguments, &context] { return rename_it(*arguments, context); }; });
}

}  // namespace envbuild::cli
