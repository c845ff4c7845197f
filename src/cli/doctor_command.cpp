#include <fmt/format.h>

#include "build/doctor.hpp"
#include "cli/command.hpp"

namespace envbuild::cli {

namespace {

constexpr int kSomethingFails = 4;

struct Arguments {
    build::DoctorOptions doctor;
    std::string platform;
};

int run(const Arguments& arguments, CommandContext& context) {
    auto options = arguments.doctor;
    if (!arguments.platform.empty()) options.platform = value_or_throw(conda::Platform::parse(arguments.platform));
    const bool lines = !context.common.json;
    const auto report = build::run_doctor(options, context.bench(), [&](const build::Finding& finding) {
        if (!lines || (context.common.quiet && finding.health == build::Health::Ok)) return;
        print_answer(fmt::format("{:<5} {}", build::to_string(finding.health), finding.text));
        if (!finding.advice.empty() && finding.health != build::Health::Ok)
            print_answer(fmt::format("      -> {}", finding.advice));
    });
    if (context.common.json) print_answer(report.to_json().dump());
    const auto fails = report.count(build::Health::Fail);
    context.reporter().note(fmt::format("{} ok, {} warnings, {} failures", report.count(build::Health::Ok),
                                        report.count(build::Health::Warn), fails));
    return fails > 0 ? kSomethingFails : 0;
}

}  // namespace

void add_doctor_command(CLI::App& app, CommandContext& context, Action& chosen) {
    auto* command = app.add_subcommand("doctor", "Look whether this host can build, and run an image; say what to do");
    auto arguments = std::make_shared<Arguments>();
    command->add_option("IMAGE", arguments->doctor.image,
                        "An image to run here: in a registry, in an OCI layout (oci:/path@sha256:…), in the engine");
    command->add_flag("--gpu", arguments->doctor.gpu, "This host must have a GPU: without one it fails");
    command->add_option("--platform", arguments->platform, "linux-64 (default), linux-aarch64, …");
    add_common_options(*command, context, true);
    command->footer(
        "Each line is ok, warn or fail, with what to do below. Exit code 0 when nothing fails, 4 otherwise. Nothing "
        "is\n"
        "changed and nothing is left behind: the registry is asked for an upload, which is cancelled.\n\n"
        "Examples:\n  envbuild doctor\n  envbuild doctor --gpu\n"
        "  envbuild doctor \"$(envbuild lookup environment.yml --gpu)\"\n"
        "  envbuild doctor nvidia/cuda:12.4.1-cudnn-runtime-ubuntu22.04 --json | jq -r '.findings[] | "
        "select(.status!=\"ok\") | .text'");
    command->callback(
        [arguments, &context, &chosen] { chosen = [arguments, &context] { return run(*arguments, context); }; });
}

}  // namespace envbuild::cli
