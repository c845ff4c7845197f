#include <fmt/format.h>

#include "base/strings.hpp"
#include "cli/command.hpp"

namespace envbuild::cli {

namespace {

std::string settings_help() {
    std::string text =
        "Settings come from the command line, then the environment, then config.yaml in $XDG_CONFIG_HOME/envbuild\n"
        "(or the file that ENVBUILD_CONFIG names). Each has the same name in both, with ENVBUILD_ in front in the "
        "environment.\n\n";
    for (const auto& row : build::setting_rows()) {
        text += fmt::format("  {}\n      {}. {}.\n", row.key, row.form, row.description);
    }
    return text;
}

}  // namespace

void add_help_command(CLI::App& app, CommandContext&, Action& chosen) {
    auto* command = app.add_subcommand("help", "Help on a command, or on `settings`, with examples");
    auto topic = std::make_shared<std::string>();
    command->add_option("COMMAND", *topic, "The command, or `settings`");
    command->callback([topic, &app, &chosen] {
        chosen = [topic, &app] {
            if (topic->empty()) {
                // App::help() would be about the chosen command, which is this one.
                print_answer(app.get_formatter()->make_help(&app, app.get_name(), CLI::AppFormatMode::Normal));
                return 0;
            }
            if (*topic == "settings") {
                print_answer(settings_help());
                return 0;
            }
            std::vector<std::string> known{"settings"};
            for (const auto* sub : app.get_subcommands(nullptr)) {
                known.push_back(sub->get_name());
                if (sub->get_name() == *topic) {
                    print_answer(sub->help(app.get_name()));
                    return 0;
                }
            }
            const auto near = nearest(*topic, known);
            throw Error(ErrorKind::InvalidInput, fmt::format("there is no command '{}'{}", *topic,
                                                             near.empty() ? "" : "; did you mean '" + near + "'?"))
                .with_hint(fmt::format("commands: {}", join(known, ", ")));
        };
    });
}

}  // namespace envbuild::cli
