#include <fmt/format.h>

#include <algorithm>

#include "base/strings.hpp"
#include "build/environment_list.hpp"
#include "cli/command.hpp"

namespace envbuild::cli {

namespace {

using build::ListedEnvironment;

std::string built_word(const ListedEnvironment& listed) {
    switch (listed.built) {
        case build::Built::Yes:
            return "built";
        case build::Built::No:
            return "-";
        case build::Built::Unknown:
            return "?";
    }
    return "";
}

std::string frameworks_of(const ListedEnvironment& listed) {
    const auto framework = listed.tags.find("framework");
    const auto version = listed.tags.find("framework_version");
    if (framework == listed.tags.end()) return join(listed.facts.frameworks, " ");
    return framework->second + (version == listed.tags.end() ? "" : " " + version->second);
}

std::string cuda_of(const ListedEnvironment& listed) {
    if (!listed.facts.cuda.empty()) return listed.facts.cuda;
    const auto tag = listed.tags.find("cuda");
    return tag != listed.tags.end() ? tag->second : listed.facts.gpu ? "gpu" : "-";
}

void print_table(const std::vector<ListedEnvironment>& environments) {
    std::vector<std::vector<std::string>> rows{{"NAME", "VERSION", "FRAMEWORK", "CUDA", "PYTHON", "IMAGE", "STATUS"}};
    for (const auto& listed : environments) {
        auto status = listed.status == "current" ? std::string() : listed.status;
        for (const auto& label : listed.labels) {
            if (label != "latest") status += (status.empty() ? "@" : " @") + label;
        }
        rows.push_back({listed.name, listed.version, frameworks_of(listed), cuda_of(listed), listed.facts.python,
                        built_word(listed), status});
    }
    std::vector<std::size_t> widths(rows.front().size());
    for (const auto& row : rows) {
        for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
    }
    for (const auto& row : rows) {
        std::string line;
        for (std::size_t i = 0; i < row.size(); ++i) line += fmt::format("{:<{}}  ", row[i], widths[i]);
        line.erase(line.find_last_not_of(' ') + 1);
        print_answer(line);
    }
}

void tell_of_none(const build::ListOptions& options, const build::EnvironmentList& list) {
    const auto what = options.pattern.empty() ? std::string("there are no environments yet")
                                              : fmt::format("no environment is called '{}'", options.pattern);
    tell("{}{}\n", what, list.near.empty() ? "" : "; did you mean " + join(list.near, ", ") + "?");
    if (!list.archived.empty()) tell("archived ones are not shown without --archived: {}\n", join(list.archived, ", "));
}

int run(const build::ListOptions& options, CommandContext& context) {
    const auto list = build::list_environments(options, context.bench());
    for (const auto& fault : list.faults) context.reporter().warn(fault);
    context.close_display();
    if (context.common.json) {
        Json environments = Json::array();
        for (const auto& listed : list.environments) environments.push(listed.to_json());
        Json json = Json::object().set("environments", std::move(environments));
        json.set("faults", Json(list.faults));
        print_answer(json.set("error", list.unreachable ? Json(list.unreachable->to_string()) : Json()).dump());
    } else if (!list.environments.empty()) {
        print_table(list.environments);
    }
    if (list.environments.empty() && !context.common.quiet) tell_of_none(options, list);
    if (!list.unreachable) return 0;
    // What is curated is known all the same; that the team's own names are missing must not pass for "there are none".
    throw Error(*list.unreachable)
        .with_hint(options.own ? "the list is not whole: names and images of the repository could not be asked for; "
                                 "--curated lists what comes with envbuild"
                               : "the list is not whole: `curated_repository` could not be asked for");
}

}  // namespace

void add_list_command(CLI::App& app, CommandContext& context, Action& chosen) {
    auto* command = app.add_subcommand("list", "List curated environments and your own, built or not");
    auto options = std::make_shared<build::ListOptions>();
    auto only_curated = std::make_shared<bool>(false);
    auto only_own = std::make_shared<bool>(false);
    auto no_lookup = std::make_shared<bool>(false);
    command->add_option("PATTERN", options->pattern, "A part of the name, or a pattern such as '*PyTorch*GPU'");
    command->add_flag("--curated", *only_curated,
                      "Only curated ones, of the curated_repository and of envbuild itself; the registry is not asked");
    auto* own = command->add_flag("--own", *only_own, "Only those in the team's repository, `registry`");
    own->excludes("--curated");
    command->add_flag("--all-versions", options->all_versions, "Every version, not only the latest");
    command->add_flag("--archived", options->archived, "Archived ones too");
    command->add_flag("--no-lookup", *no_lookup, "Do not ask which are built");
    add_common_options(*command, context, true);
    command->footer(
        "Examples:\n  envbuild list\n  envbuild list '*PyTorch*GPU'\n  envbuild list --own --all-versions\n"
        "  envbuild list --json | jq -r '.environments[] | select(.built) | .name'");
    command->callback([options, only_curated, only_own, no_lookup, &context, &chosen] {
        chosen = [options, only_curated, only_own, no_lookup, &context] {
            options->own = !*only_curated;
            options->curated = !*only_own;
            options->look_up = !*no_lookup && !*only_curated;
            return run(*options, context);
        };
    });
}

}  // namespace envbuild::cli
