// envbuild archive, and envbuild restore that takes it back.
#include <fmt/format.h>

#include "build/name_changes.hpp"
#include "cli/command.hpp"

namespace envbuild::cli {

namespace {

int archive_it(const std::string& environment, bool archived, CommandContext& context) {
    const auto ref = value_or_throw(build::NameRef::parse(environment));
    const auto change = build::set_archived(ref, archived, context.bench());
    const auto what = change.version.empty() ? change.name : change.name + ":" + change.version;
    const auto* done = archived ? "archived" : "restored";
    context.reporter().note(change.changed ? fmt::format("{} is {}", what, done)
                                           : fmt::format("{} was {} already", what, archived ? "archived" : "there"));
    context.close_display();
    print_answer(context.common.json ? Json::object()
                                           .set("name", change.name)
                                           .set("version", change.version.empty() ? Json() : Json(change.version))
                                           .set("archived", archived)
                                           .set("changed", change.changed)
                                           .dump()
                                     : what);
    return 0;
}

void add_one(CLI::App& app, CommandContext& context, Action& chosen, bool archived) {
    const std::string name = archived ? "archive" : "restore";
    auto* command = app.add_subcommand(name, archived ? "Hide a registered environment, or one version of it, from list"
                                                      : "Take back what archive did");
    auto environment = std::make_shared<std::string>();
    command->add_option("ENVIRONMENT", *environment, "NAME, or NAME:VERSION")->required();
    add_common_options(*command, context, true);
    command->footer(
        fmt::format("What is archived stays where it is and can still be built by its name, with a warning.\n\n"
                    "Examples:\n  envbuild {0} train:2\n  envbuild {0} train",
                    name));
    command->callback([environment, archived, &context, &chosen] {
        chosen = [environment, archived, &context] { return archive_it(*environment, archived, context); };
    });
}

}  // namespace

void add_archive_command(CLI::App& app, CommandContext& context, Action& chosen) {
    add_one(app, context, chosen, true);
}

void add_restore_command(CLI::App& app, CommandContext& context, Action& chosen) {
    add_one(app, context, chosen, false);
}

}  // namespace envbuild::cli
