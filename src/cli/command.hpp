// What every command shares: the process, the common options, and how it ends. One file for each command beside this
// one.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/cancel.hpp"
#include "base/process_env.hpp"
#include "build/intent.hpp"
#include "build/workbench.hpp"
#include "cli/display.hpp"

namespace envbuild::cli {

// Options that every command takes.
struct CommonOptions {
    std::string progress = "auto";
    bool quiet = false, json = false;
    int verbosity = 0;
    std::string timeout;                           // "90", "90s", "15m", "2h"
    std::map<std::string, std::string> overrides;  // settings from the command line
};

// One run of the program. The display ends before an error is printed, so that nothing is drawn over it.
class CommandContext {
  public:
    CommandContext(ProcessEnv env, CancelToken cancel) : env_(std::move(env)), cancel_(std::move(cancel)) {}

    CommonOptions common;

    [[nodiscard]] const ProcessEnv& env() const { return env_; }
    [[nodiscard]] const CancelToken& cancel() const { return cancel_; }
    // Made when first asked for, from the options as they were parsed.
    [[nodiscard]] Reporter& reporter();
    [[nodiscard]] const build::Workbench& bench();
    void close_display() { display_.reset(); }
    [[nodiscard]] DisplayOptions display_options() const;

  private:
    ProcessEnv env_;
    CancelToken cancel_;
    std::unique_ptr<Reporter> display_;
    std::unique_ptr<build::Workbench> bench_;
};

// What a command does once its options are parsed; returns the exit code (docs/exit-codes.md).
using Action = std::function<int()>;

// Every command registers itself: options, examples, and its action through `chosen`.
void add_build_command(CLI::App& app, CommandContext& context, Action& chosen);
void add_hash_command(CLI::App& app, CommandContext& context, Action& chosen);
void add_lookup_command(CLI::App& app, CommandContext& context, Action& chosen);
void add_lock_command(CLI::App& app, CommandContext& context, Action& chosen);
void add_dockerfile_command(CLI::App& app, CommandContext& context, Action& chosen);
void add_check_command(CLI::App& app, CommandContext& context, Action& chosen);
void add_bases_command(CLI::App& app, CommandContext& context, Action& chosen);
void add_doctor_command(CLI::App& app, CommandContext& context, Action& chosen);
void add_curated_command(CLI::App& app, CommandContext& context, Action& chosen);
void add_list_command(CLI::App& app, CommandContext& context, Action& chosen);
void add_show_command(CLI::App& app, CommandContext& context, Action& chosen);
void add_save_command(CLI::App& app, CommandContext& context, Action& chosen);
void add_register_command(CLI::App& app, CommandContext& context, Action& chosen);
void add_clone_command(CLI::App& app, CommandContext& context, Action& chosen);
void add_diff_command(CLI::App& app, CommandContext& context, Action& chosen);
void add_label_command(CLI::App& app, CommandContext& context, Action& chosen);
void add_archive_command(CLI::App& app, CommandContext& context, Action& chosen);
void add_restore_command(CLI::App& app, CommandContext& context, Action& chosen);
void add_rename_command(CLI::App& app, CommandContext& context, Action& chosen);
void add_help_command(CLI::App& app, CommandContext& context, Action& chosen);

// --json --progress --quiet -v --timeout, and --registry where `with_registry`.
void add_common_options(CLI::App& command, CommandContext& context, bool with_registry);
// FILE, --gpu, --cuda, --base, --platform, --channel, --env and the like.
void add_intent_options(CLI::App& command, build::IntentOptions& options);

// NAME=value, may be repeated.
void add_pairs_option(CLI::App& command, const std::string& name, const std::string& description,
                      std::map<std::string, std::string>& pairs);

// Seconds of "90", "90s", "15m", "2h". InvalidInput otherwise.
[[nodiscard]] double parse_duration(std::string_view text);

// To standard output, the only place where answers go.
void print_answer(std::string_view line);

}  // namespace envbuild::cli
