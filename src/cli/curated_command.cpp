#include <fmt/format.h>

#include <algorithm>

#include "build/curated_check.hpp"
#include "build/curated_publish.hpp"
#include "cli/command.hpp"

namespace envbuild::cli {

namespace {

using build::CuratedFinding;
using build::CuratedResult;

struct CheckOptions {
    std::vector<std::string> names;
    bool parse_only = false;
};

std::string status_of(const CuratedFinding& finding) {
    return finding.status ? std::string(to_string(*finding.status)) : "-";
}

Json to_json(const std::vector<CuratedFinding>& findings) {
    Json list = Json::array();
    std::int64_t wrong = 0;
    std::int64_t unknown = 0;
    for (const auto& finding : findings) {
        wrong += finding.result == CuratedResult::Wrong ? 1 : 0;
        unknown += finding.result == CuratedResult::Unknown ? 1 : 0;
        list.push(Json::object()
                      .set("name", finding.name)
                      .set("version", finding.version.empty() ? Json() : Json(finding.version))
                      .set("status", finding.status ? Json(to_string(*finding.status)) : Json())
                      .set("result", build::to_string(finding.result))
                      .set("detail", finding.detail)
                      .set("spec_hash", finding.spec_hash.empty() ? Json() : Json(finding.spec_hash))
                      .set("error", finding.error ? Json(finding.error->to_string()) : Json()));
    }
    return Json::object()
        .set("versions", static_cast<std::int64_t>(findings.size()))
        .set("wrong", wrong)
        .set("unknown", unknown)
        .set("checked", std::move(list));
}

void print_table(const std::vector<CuratedFinding>& findings) {
    std::size_t name = 0;
    std::size_t version = 0;
    std::size_t status = 0;
    for (const auto& finding : findings) {
        name = std::max(name, finding.name.size());
        version = std::max(version, finding.version.size());
        status = std::max(status, status_of(finding).size());
    }
    for (const auto& finding : findings) {
        auto line = fmt::format("{:<{}}  {:>{}}  {:<{}}  {:<8}  {}", finding.name, name, finding.version, version,
                                status_of(finding), status, build::to_string(finding.result), finding.detail);
        line.erase(line.find_last_not_of(' ') + 1);
        print_answer(line);
    }
}

int check(const CheckOptions& options, CommandContext& context) {
    const auto& bench = context.bench();
    const auto set = catalog::load_curated(bench.settings().share_dir / "curated" / "environments");
    const auto depth = options.parse_only ? build::CuratedDepth::Parse : build::CuratedDepth::Resolve;
    const auto findings = build::check_curated(set, options.names, depth, bench);
    context.close_display();
    if (context.common.json) {
        print_answer(to_json(findings).dump());
    } else {
        print_table(findings);
        for (const auto& finding : findings) {
            if (finding.result != CuratedResult::Wrong) continue;
            tell("{}", format_error(Error(*finding.error)
                                        .with_context(fmt::format("checking {}{}{}", finding.name,
                                                                  finding.version.empty() ? "" : ":", finding.version)),
                                    context.display_options()));
        }
    }
    return build::exit_code(findings);
}

int publish(const std::vector<std::string>& names, CommandContext& context) {
    const auto& bench = context.bench();
    const auto set = catalog::load_curated(bench.settings().share_dir / "curated" / "environments");
    // What the command line names comes before both settings.
    auto repository = context.common.overrides.contains("registry") ? nullptr : bench.curated_repository();
    if (!repository) repository = bench.repository();
    const auto published = build::publish_curated(set, names, *repository, bench);
    const auto added = std::ranges::count_if(published, [](const auto& one) { return one.is_new; });
    context.reporter().note(fmt::format("Registered {} versions; {} were there", added,
                                        static_cast<std::ptrdiff_t>(published.size()) - added));
    context.close_display();
    Json list = Json::array();
    for (const auto& one : published) {
        list.push(Json::object()
                      .set("name", one.name)
                      .set("version", one.version)
                      .set("spec_hash", one.spec_hash)
                      .set("new", one.is_new));
        if (!context.common.json && one.is_new) print_answer(one.name + ":" + one.version);
    }
    if (context.common.json) print_answer(Json::object().set("published", std::move(list)).dump());
    return 0;
}

void add_check(CLI::App& group, CommandContext& context, Action& chosen) {
    auto* command = group.add_subcommand("check", "Say of every curated definition whether it is what it is marked as");
    auto options = std::make_shared<CheckOptions>();
    command->add_option("NAME", options->names, "NAME or NAME:VERSION; all of them where none is given");
    command->add_flag("--parse-only", options->parse_only, "Only read the files; ask no registry and no channel");
    add_common_options(*command, context, false);
    command->footer(
        "Each is read, its base image looked up, and its packages resolved; nothing is built. The results: parses,\n"
        "resolves, refused (has no solution, as marked), gone (its base image, which a deprecated one may lack),\n"
        "wrong (not as marked), unknown (could not be asked).\n"
        "Exit code 0 when all are as marked, 2 for a broken definition, 5 for one without a solution, 4 for "
        "unknown.\n\n"
        "Examples:\n  envbuild curated check --parse-only\n  envbuild curated check AzureML-PyTorch-1.6-GPU:4\n"
        "  envbuild curated check --json | jq '.checked[] | select(.result == \"wrong\")'");
    command->callback(
        [options, &context, &chosen] { chosen = [options, &context] { return check(*options, context); }; });
}

void add_publish(CLI::App& group, CommandContext& context, Action& chosen) {
    auto* command =
        group.add_subcommand("publish", "Put the curated environments into the curated_repository, where there is one");
    auto names = std::make_shared<std::vector<std::string>>();
    command->add_option("NAME", *names, "NAME or NAME:VERSION; all of them where none is given");
    add_common_options(*command, context, true);
    command->footer(
        "They go to --registry, else to the setting curated_repository, else to registry. What is there already stays "
        "as it\nis. The repository's own rights say who may do this: name one in curated_repository that only their "
        "keepers may write.\n\n"
        "Examples:\n  envbuild curated publish --registry registry.lab:5000/platform/curated\n"
        "  envbuild curated publish AzureML-Minimal");
    command->callback([names, &context, &chosen] { chosen = [names, &context] { return publish(*names, context); }; });
}

}  // namespace

void add_curated_command(CLI::App& app, CommandContext& context, Action& chosen) {
    auto* group = app.add_subcommand("curated", "Check the curated environments, or publish them");
    group->require_subcommand(1);
    add_check(*group, context, chosen);
    add_publish(*group, context, chosen);
}

}  // namespace envbuild::cli
