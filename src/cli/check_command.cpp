#include <fmt/format.h>

#include "cli/command.hpp"

namespace envbuild::cli {

namespace {

std::string_view severity_name(Diagnostic::Severity severity) {
    switch (severity) {
        case Diagnostic::Severity::Error:
            return "error";
        case Diagnostic::Severity::Warning:
            return "warning";
        case Diagnostic::Severity::Note:
            return "note";
    }
    return "note";
}

std::string counted(std::size_t count, std::string_view what) {
    return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

Json to_json(const spec::LintReport& report) {
    Json list = Json::array();
    for (const auto& diagnostic : report.diagnostics) {
        list.push(Json::object()
                      .set("severity", severity_name(diagnostic.severity))
                      .set("file", diagnostic.place.file)
                      .set("line", diagnostic.place.line)
                      .set("column", diagnostic.place.column)
                      .set("message", diagnostic.message)
                      .set("hint", diagnostic.hint));
    }
    Json json = Json::object();
    json.set("file", report.file).set("kind", spec::describe(report.kind));
    json.set("errors", static_cast<std::int64_t>(report.errors()))
        .set("warnings", static_cast<std::int64_t>(report.warnings()));
    json.set("spec_hash", report.spec ? Json(report.spec->hash().hex()) : Json());
    return json.set("diagnostics", std::move(list));
}

}  // namespace

void add_check_command(CLI::App& app, CommandContext& context, Action& chosen) {
    auto* command = app.add_subcommand("check", "Lint a file: what it is, what is wrong, what is risky");
    auto options = std::make_shared<build::IntentOptions>();
    command
        ->add_option("FILE", options->environment,
                     "A file, a directory, NAME[:VERSION|@LABEL], or - for standard input")
        ->required();
    add_intent_options(*command, *options);
    add_common_options(*command, context, false);
    command->footer(
        "Exit code 0 when the file can be built from, 2 when it has errors. Nothing is resolved or downloaded.\n\n"
        "Examples:\n  envbuild check environment.yml\n  envbuild check environment.yml --json | jq .diagnostics");
    command->callback([options, &context, &chosen] {
        chosen = [options, &context] {
            const auto report = build::lint_intent(*options, context.bench());
            if (context.common.json) {
                print_answer(to_json(report).dump());
            } else {
                for (const auto& diagnostic : report.diagnostics) print_answer(diagnostic.to_string());
                print_answer(fmt::format("{}: {}: {}, {}", report.file, spec::describe(report.kind),
                                         counted(report.errors(), "error"), counted(report.warnings(), "warning")));
            }
            return report.errors() > 0 ? exit_code(ErrorKind::InvalidInput) : 0;
        };
    });
}

}  // namespace envbuild::cli
