#include "cli/command_line.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "base/strings.hpp"
#include "cli/command.hpp"

namespace envbuild::cli {

namespace {

constexpr int kUsage = 2;

std::vector<std::string> command_names(const CLI::App& app) {
    std::vector<std::string> names;
    for (const auto* command : app.get_subcommands(nullptr)) names.push_back(command->get_name());
    return names;
}

// How many words at the front are options that every command takes, with their values.
std::size_t leading_options(const std::vector<std::string>& arguments) {
    constexpr std::array<std::string_view, 3> kFlags{"--json", "--quiet", "--verbose"};
    constexpr std::array<std::string_view, 3> kValued{"--progress", "--timeout", "--registry"};
    std::size_t at = 0;
    while (at < arguments.size()) {
        const std::string_view word = arguments[at];
        const bool letters =
            word.size() > 1 && word[0] == '-' && word.substr(1).find_first_not_of("qv") == std::string_view::npos;
        const bool is_flag = letters || std::ranges::find(kFlags, word) != kFlags.end();
        const bool is_valued = std::ranges::find(kValued, word.substr(0, word.find('='))) != kValued.end();
        if (!is_flag && !is_valued) break;
        at += is_valued && !word.contains('=') ? 2 : 1;
    }
    return std::min(at, arguments.size());
}

// `envbuild -q hash FILE` is `envbuild hash -q FILE`.
void move_command_first(std::vector<std::string>& arguments, const std::vector<std::string>& commands) {
    const auto at = leading_options(arguments);
    if (at == 0 || at == arguments.size() || std::ranges::find(commands, arguments[at]) == commands.end()) return;
    const auto command = arguments.begin() + static_cast<std::ptrdiff_t>(at);
    std::rotate(arguments.begin(), command, command + 1);
}

// `envbuild FILE …` is `envbuild build FILE …`: the first word decides, unless it asks for help or the version.
void insert_default_command(std::vector<std::string>& arguments, const std::vector<std::string>& commands) {
    if (arguments.empty()) return;
    const auto& first = arguments.front();
    if (first == "-h" || first == "--help" || first == "--version" ||
        std::ranges::find(commands, first) != commands.end())
        return;
    arguments.insert(arguments.begin(), "build");
}

void print_error(const Error& error, CommandContext& context) {
    context.close_display();
    write_best_effort(stderr, format_error(error, context.display_options()));
    // That there is no solution is an answer too.
    if (context.common.json && error.kind() == ErrorKind::Unsatisfiable)
        write_best_effort(stdout, error_json(error).dump() + "\n");
}

int print_help(const std::string& text) {
    if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0) return 0;
    write_best_effort(stderr, "error: cannot write to standard output\n");
    return exit_code(ErrorKind::Io);
}

// A word that is neither a command nor an environment is most likely a command with a slip in it. Only for that word:
// much else can be missing in a run.
Error explain_missing_file(Error error, const std::vector<std::string>& arguments,
                           const std::vector<std::string>& commands) {
    if (error.kind() != ErrorKind::NotFound || arguments.size() < 2 || arguments[0] != "build") return error;
    for (const auto& word : arguments) {
        if (!error.message().starts_with(fmt::format("there is no environment '{}'", word))) continue;
        const auto near = nearest(word, commands);
        if (near.empty()) break;
        auto hint = fmt::format("did you mean the command '{}'? {}", near, error.hint());
        return std::move(error).with_hint(std::move(hint));
    }
    return error;
}

int run_chosen(const Action& chosen, CommandContext& context, const std::vector<std::string>& arguments,
               const std::vector<std::string>& commands) {
    try {
        const int code = chosen();
        context.close_display();
        return code;
    } catch (const Error& error) {
        const auto shown = explain_missing_file(error, arguments, commands);
        print_error(shown, context);
        return exit_code(shown.kind());
    } catch (const std::bad_alloc&) {
        print_error(Error(ErrorKind::Io, "this machine has not enough memory"), context);
        return exit_code(ErrorKind::Io);
    } catch (const std::filesystem::filesystem_error& error) {
        const bool bad_name =
            error.code() == std::errc::filename_too_long || error.code() == std::errc::too_many_symbolic_link_levels;
        const auto kind = bad_name ? ErrorKind::InvalidInput : ErrorKind::Io;
        print_error(Error(kind, fmt::format("{}: {}", error.path1().string(), error.code().message())), context);
        return exit_code(kind);
    } catch (const std::exception& error) {
        print_error(Error(ErrorKind::Bug, fmt::format("envbuild broke a promise to itself: {}", error.what()))
                        .with_hint("please report this with the command and the file that led to it"),
                    context);
        return exit_code(ErrorKind::Bug);
    }
}

// A value that was given with nothing in it, most likely from an unset variable of a script, is not one that was left
// out: no option and no argument of any command takes one.
void refuse_empty_values(CLI::App& app) {
    for (auto* option : app.get_options()) {
        const bool is_flag = option->get_items_expected_max() == 0;
        if (!is_flag)
            option->check([](const std::string& value) { return std::string(value.empty() ? "is empty" : ""); });
    }
    for (auto* command : app.get_subcommands({})) refuse_empty_values(*command);
}

}  // namespace

int run_command_line(std::vector<std::string> arguments, const ProcessEnv& env, const CancelToken& cancel) {
    CLI::App app{"envbuild: from a conda YAML to a container image on a GPU node, exact, cached and fast", "envbuild"};
    app.set_version_flag("--version", "envbuild " ENVBUILD_VERSION);
    app.require_subcommand(0, 1);
    app.footer(
        "envbuild FILE is envbuild build FILE. envbuild help COMMAND has examples; envbuild help settings lists the "
        "settings.\n"
        "Exit codes: 0 done or hit, 2 bad input, 3 miss, 4 unknown or unreachable, 5 unsatisfiable, 6 not authorised,\n"
        "7 the build failed, 8 corrupt data, 130 cancelled.");
    CommandContext context(env, cancel);
    Action chosen;
    add_build_command(app, context, chosen);
    add_hash_command(app, context, chosen);
    add_lookup_command(app, context, chosen);
    add_lock_command(app, context, chosen);
    add_dockerfile_command(app, context, chosen);
    add_check_command(app, context, chosen);
    add_bases_command(app, context, chosen);
    add_doctor_command(app, context, chosen);
    add_curated_command(app, context, chosen);
    add_list_command(app, context, chosen);
    add_show_command(app, context, chosen);
    add_save_command(app, context, chosen);
    add_register_command(app, context, chosen);
    add_clone_command(app, context, chosen);
    add_diff_command(app, context, chosen);
    add_label_command(app, context, chosen);
    add_archive_command(app, context, chosen);
    add_restore_command(app, context, chosen);
    add_rename_command(app, context, chosen);
    add_help_command(app, context, chosen);
    refuse_empty_values(app);

    const auto commands = command_names(app);
    move_command_first(arguments, commands);
    insert_default_command(arguments, commands);
    try {
        // CLI11 takes them from the back.
        std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
        app.parse(reversed);
    } catch (const CLI::CallForHelp&) {
        return print_help(app.help());
    } catch (const CLI::CallForVersion& version) {
        return print_help(std::string(version.what()) + "\n");
    } catch (const CLI::ParseError& error) {
        const auto command = arguments.empty() ? std::string() : " " + arguments.front();
        tell("error: {}\n  envbuild help{} says what is possible\n", error.what(), command);
        return kUsage;
    }
    if (!chosen) return print_help(app.help());
    return run_chosen(chosen, context, arguments, commands);
}

}  // namespace envbuild::cli
