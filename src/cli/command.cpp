#include "cli/command.hpp"

#include <fmt/format.h>

#include <charconv>
#include <chrono>

#include "base/strings.hpp"

namespace envbuild::cli {

DisplayOptions CommandContext::display_options() const {
    const auto mode = common.progress == "plain" ? ProgressMode::Plain
                      : common.progress == "tty" ? ProgressMode::Tty
                                                 : ProgressMode::Auto;
    return DisplayOptions::decide(mode, common.quiet, common.verbosity, stderr);
}

Reporter& CommandContext::reporter() {
    if (!display_) display_ = make_display(display_options(), stderr);
    return *display_;
}

const build::Workbench& CommandContext::bench() {
    if (!bench_) {
        if (!common.timeout.empty()) {
            const auto time = std::chrono::duration<double>(parse_duration(common.timeout));
            cancel_.set_deadline(std::chrono::steady_clock::now() +
                                 std::chrono::duration_cast<std::chrono::milliseconds>(time));
        }
        std::vector<std::string> warnings;
        auto settings = build::load_settings(env_, common.overrides, warnings);
        for (const auto& warning : warnings) reporter().warn(warning);
        bench_ = std::make_unique<build::Workbench>(env_, std::move(settings), cancel_, reporter());
    }
    return *bench_;
}

void add_common_options(CLI::App& command, CommandContext& context, bool with_registry) {
    auto& common = context.common;
    command.add_flag("--json", common.json, "Print the answer as JSON");
    command.add_option("--progress", common.progress, "auto, plain (a line when work begins and when it ends) or tty")
        ->check(CLI::IsMember({"auto", "plain", "tty"}))
        ->capture_default_str();
    command.add_flag("-q,--quiet", common.quiet, "Only answers and errors");
    command.add_flag("-v,--verbose", common.verbosity, "Say more");
    command.add_option("--timeout", common.timeout, "Give up after this time: 90, 90s, 15m, 2h");
    if (with_registry) {
        command.add_option_function<std::string>(
            "--registry", [&common](const std::string& value) { common.overrides["registry"] = value; },
            "Where images are kept: host[:port]/repository, or oci:/path");
    }
}

void add_intent_options(CLI::App& command, build::IntentOptions& options) {
    command.add_flag("--gpu", options.gpu, "For a node with a GPU: a CUDA base image, GPU builds of packages");
    command.add_option("--cuda", options.cuda, "The base image's CUDA, such as 11.8 (means --gpu)");
    command.add_option("--target-cuda", options.target_cuda,
                       "CUDA version of the driver on the nodes that will run it");
    command.add_option("--target-cpu", options.target_cpu,
                       "CPU of those nodes as archspec names it, such as x86_64_v3");
    command.add_option("--base", options.base, "Any base image, by tag or digest");
    command.add_option("--platform", options.platform, "linux-64 (default), linux-aarch64, …");
    command.add_option("-c,--channel", options.channels, "A channel before the file's own; may be repeated")
        ->allow_extra_args(false);
    command
        .add_option("--pin", options.pins,
                    "What a package must be if it is needed, such as 'numpy 1.26.*'; may be repeated")
        ->option_text("SPEC")
        ->allow_extra_args(false);
    command.add_flag("--no-pin", options.ignore_pins, "Leave out the pins of .condarc (pinned_packages)");
    command.add_option("--python", options.python, "Python version for a requirements.txt");
    add_pairs_option(command, "-e,--env", "NAME=value: a variable of the image; may be repeated", options.variables);
}

void add_pairs_option(CLI::App& command, const std::string& name, const std::string& description,
                      std::map<std::string, std::string>& pairs) {
    command
        .add_option_function<std::vector<std::string>>(
            name,
            [&pairs, name](const std::vector<std::string>& given) {
                for (const auto& pair : given) {
                    const auto equals = pair.find('=');
                    if (equals == std::string::npos || equals == 0) {
                        throw CLI::ValidationError(name.substr(name.rfind(',') + 1),
                                                   "is written NAME=value, not '" + pair + "'");
                    }
                    pairs[pair.substr(0, equals)] = pair.substr(equals + 1);
                }
            },
            description)
        ->allow_extra_args(false);
}

double parse_duration(std::string_view text) {
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
    const double scale = unit.empty() || unit == "s" ? 1 : unit == "m" ? 60 : unit == "h" ? 3600 : 0;
    if (error != std::errc{} || scale == 0 || !(value > 0) || value * scale > 1e7) {
        throw Error(ErrorKind::InvalidInput,
                    fmt::format("--timeout is a time such as 90, 90s, 15m or 2h, not '{}'", text));
    }
    return value * scale;
}

void print_answer(std::string_view line) {
    const std::string text = std::string(line) + "\n";
    if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0)
        throw Error(ErrorKind::Io, "cannot write to standard output");
}

}  // namespace envbuild::cli
