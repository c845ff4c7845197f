#include <fmt/format.h>

#include "base/fs.hpp"
#include "build/resolver.hpp"
#include "cli/command.hpp"
#include "lock/conda_lock.hpp"

namespace envbuild::cli {

void add_lock_command(CLI::App& app, CommandContext& context, Action& chosen) {
    auto* command =
        app.add_subcommand("lock", "Resolve only: write a conda-lock file with every package pinned by hash");
    auto options = std::make_shared<build::IntentOptions>();
    auto output = std::make_shared<std::string>("-");
    auto form = std::make_shared<std::string>("conda-lock");
    command->add_option("FILE", options->environment, "environment.yml or requirements.txt; - for standard input")
        ->required();
    command->add_option("-o,--output", *output, "Where to write it; - for standard output")->capture_default_str();
    command->add_option("--format", *form, "conda-lock, or explicit (conda packages only)")
        ->check(CLI::IsMember({"conda-lock", "explicit"}))
        ->capture_default_str();
    add_intent_options(*command, *options);
    add_common_options(*command, context, false);
    command->footer(
        "The file is conda-lock's own format; conda-lock and micromamba read it, and envbuild build --lock builds "
        "exactly it.\n\n"
        "Examples:\n  envbuild lock environment.yml -o conda-lock.yml\n  envbuild build --lock conda-lock.yml");
    command->callback([options, output, form, &context, &chosen] {
        chosen = [options, output, form, &context] {
            const auto intent = build::read_intent(*options, context.bench());
            build::Stages stages;
            const auto resolution = build::resolve(intent, context.bench().repository(), context.bench(), stages);
            const auto text =
                *form == "explicit" ? lock::write_explicit(resolution.lock) : lock::write_conda_lock(resolution.lock);
            context.close_display();
            if (*output != "-") {
                write_file_atomic(*output, text);
                context.reporter().note(fmt::format("Wrote {} ({} packages)", *output,
                                                    resolution.lock.conda.size() + resolution.lock.pip.size()));
            }
            if (context.common.json) {
                Json json = Json::object();
                json.set("spec_hash", intent.hash.hex()).set("lock_hash", resolution.lock.hash().hex());
                json.set("file", *output == "-" ? Json() : Json(*output));
                json.set("packages",
                         static_cast<std::int64_t>(resolution.lock.conda.size() + resolution.lock.pip.size()));
                if (*output == "-") json.set("lock", text);
                print_answer(json.set("seconds", stages.to_json()).dump());
            } else if (*output == "-") {
                print_answer(text.ends_with('\n') ? std::string_view(text).substr(0, text.size() - 1)
                                                  : std::string_view(text));
            }
            return 0;
        };
    });
}

}  // namespace envbuild::cli
