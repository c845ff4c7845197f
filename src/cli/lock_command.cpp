#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/fs.hpp"
#include "base/strings.hpp"
#include "build/lock_fit.hpp"
#include "build/resolver.hpp"
#include "cli/command.hpp"
#include "cli/differences.hpp"
#include "cli/output_file.hpp"
#include "lock/conda_lock.hpp"
#include "lock/pip_lock.hpp"

namespace envbuild::cli {

namespace {

constexpr int kDoesNotFit = 1;  // as diff
constexpr const char* kCondaLock = "conda-lock";

struct Arguments {
    build::IntentOptions intent;
    std::string output = "-", form;
    std::vector<std::string> platforms, update;
    bool refresh = false, check = false;
};

// What --format says; else what the output's name means to the tools that look for such a file.
std::string form_of(const Arguments& arguments) {
    if (!arguments.form.empty()) return arguments.form;
    const auto name = std::filesystem::path(arguments.output).filename().string();
    if (name == "pylock.toml" || (name.starts_with("pylock.") && name.ends_with(".toml"))) return "pylock";
    if (name.starts_with("requirements") && name.ends_with(".txt")) return "requirements";
    return kCondaLock;
}

std::string_view plural(std::size_t count) {
    return count == 1 ? "" : "s";
}

// The lock that stands where the new one will be; nothing where there is none, or where nothing of it is kept.
std::optional<lock::CondaLockFile> earlier_file(const Arguments& arguments, const std::string& form,
                                                CommandContext& context) {
    const bool asked = !arguments.update.empty();
    if (asked && arguments.refresh)
        throw Error(ErrorKind::InvalidInput, "--update keeps what it can of the earlier lock, and --refresh nothing")
            .with_hint("give one of them");
    if (asked && form != kCondaLock)
        throw Error(ErrorKind::InvalidInput,
                    fmt::format("--update is for conda-lock's format: one in the {} format is always made anew", form))
            .with_hint("update a lock in conda-lock's format");
    if (arguments.refresh || form != kCondaLock) return std::nullopt;
    std::error_code error;
    const bool is_there = arguments.output != "-" && fs::is_regular_file(arguments.output, error);
    auto text = is_there ? read_file_if_exists(arguments.output) : std::nullopt;
    if (!text) {
        if (!asked) return std::nullopt;
        throw Error(ErrorKind::InvalidInput, "there is no lock to update")
            .with_hint("-o names the earlier lock, which is written anew");
    }
    auto file = lock::CondaLockFile::parse(*text, arguments.output);
    if (file) return *std::move(file);
    if (asked) throw std::move(file.error());
    context.reporter().note(
        fmt::format("{} is no earlier lock ({}); everything is chosen anew", arguments.output, file.error().message()));
    return std::nullopt;
}

// For each intent; nothing for a platform that is new.
std::vector<std::optional<build::EarlierLock>> earlier_locks(const std::vector<build::Intent>& intents,
                                                             const lock::CondaLockFile& file,
                                                             const Arguments& arguments, CommandContext& context) {
    std::vector<std::optional<build::EarlierLock>> earlier(intents.size());
    std::vector<lock::Lock> locks;
    std::vector<spec::EnvironmentSpec> specs;
    auto left = file.platforms();
    for (std::size_t i = 0; i < intents.size(); ++i) {
        specs.push_back(intents[i].spec());
        const auto& platform = intents[i].spec().platform;
        if (std::erase(left, platform.to_string()) == 0) {
            context.reporter().note(fmt::format("{} has nothing for {} yet", arguments.output, platform.to_string()));
            continue;
        }
        auto read = file.read(platform);
        if (read) {
            locks.push_back(read->lock);
            earlier[i] = build::EarlierLock{std::move(read->lock), arguments.update};
        } else if (!arguments.update.empty()) {
            throw std::move(read.error());
        } else {
            context.reporter().note(fmt::format("{} is no earlier lock of {} ({}); everything is chosen anew",
                                                arguments.output, platform.to_string(), read.error().message()));
        }
    }
    build::check_updates(arguments.update, locks, specs);
    if (!left.empty())
        context.reporter().warn(fmt::format("{} was for {} too, and is no more: --platform names all that it is for",
                                            arguments.output, join(left, ", ")));
    return earlier;
}

std::size_t count_packages(const lock::Lock& lock, bool of_pip_alone) {
    return (of_pip_alone ? 0 : lock.conda.size()) +
           static_cast<std::size_t>(std::ranges::count(lock.pip, false, &lock::PipPackage::build_only));
}

// Of the explicit format, which has no place for them. Whether there were any.
bool leave_out_pip(build::Intent& intent, CommandContext& context) {
    const auto left_out = intent.read.spec.pip.size();
    if (left_out == 0) return false;
    context.reporter().warn(
        fmt::format("the explicit format holds conda packages only: {} requirement{} of the "
                    "pip section {} left out",
                    left_out, plural(left_out), left_out == 1 ? "is" : "are"));
    intent.read.spec.pip.clear();
    return true;
}

std::string write(const std::vector<lock::Lock>& locks, const std::string& form, const build::Intent& first,
                  const std::string& source) {
    if (form == kCondaLock) return lock::write_conda_lock(locks, source);
    if (form == "explicit") return lock::write_explicit(locks.front());
    if (form == "pylock") return lock::write_pylock(locks.front());
    return lock::write_requirements(locks.front(), first.spec().indexes);
}

Json facts_of(const build::Intent& intent, const lock::Lock& lock, bool is_whole, bool of_pip_alone) {
    Json json = Json::object();
    json.set("spec_hash", intent.hash.hex());
    // Without its pip files it is no lock of this environment.
    json.set("lock_hash", is_whole ? Json(lock.hash().hex()) : Json());
    return json.set("packages", static_cast<std::int64_t>(count_packages(lock, of_pip_alone)));
}

lock::Lock resolve(const build::Intent& intent, build::ResolveOptions options, bool is_one_of_several,
                   CommandContext& context, build::Stages& stages) {
    try {
        return build::resolve(intent, context.bench().repository(), context.bench(), stages, std::move(options)).lock;
    } catch (Error& error) {
        if (is_one_of_several) error.add_context("resolving for " + intent.spec().platform.to_string());
        throw;
    }
}

std::vector<build::Intent> intents_of(const Arguments& arguments, const std::optional<lock::CondaLockFile>& before,
                                      CommandContext& context) {
    return build::read_intents(arguments.intent, arguments.platforms, context.bench(),
                               before ? before->platforms() : std::vector<std::string>{});
}

// A slip of a name must not cost the environment file.
void check_is_no_input(const Arguments& arguments) {
    std::error_code ignored;
    if (std::filesystem::is_directory(arguments.output, ignored))
        throw Error(ErrorKind::InvalidInput, fmt::format("{} is a folder", arguments.output))
            .with_hint("-o names the file to write, such as " + arguments.output + "/conda-lock.yml");
    if (std::filesystem::equivalent(arguments.output, arguments.intent.environment, ignored))
        throw Error(ErrorKind::InvalidInput,
                    fmt::format("{} is the environment itself, and the lock would replace it", arguments.output))
            .with_hint("name another file with -o");
}

// Whether the lock that is there is still the environment's; nothing is resolved and nothing written.
int check(const Arguments& arguments, CommandContext& context) {
    if (!arguments.update.empty() || arguments.refresh)
        throw Error(ErrorKind::InvalidInput, "--check changes nothing, and --update and --refresh do")
            .with_hint("give one of them");
    const std::string path = arguments.output == "-" ? "conda-lock.yml" : arguments.output;
    const auto text = read_file_if_exists(path);
    if (!text)
        throw Error(ErrorKind::NotFound, fmt::format("there is no lock {} to check", path))
            .with_hint("-o names it; without --check it is written");
    const auto file = std::optional(value_or_throw(lock::CondaLockFile::parse(*text, path)));
    bool all_fit = true;
    auto platforms = Json::array();
    std::vector<std::string> lines;
    const auto intents = intents_of(arguments, file, context);
    const auto names = catalog::PypiNames::load(context.bench().settings().share_dir / "curated");
    for (const auto& intent : intents) {
        const auto& platform = intent.spec().platform;
        build::LockFit fit;
        if (std::ranges::find(file->platforms(), platform.to_string()) == file->platforms().end()) {
            fit.differences = {{"platform", "", platform.to_string()}};
        } else {
            fit = build::fit_of(value_or_throw(file->read(platform)).lock, intent, names);
        }
        all_fit = all_fit && fit.fits;
        platforms.push(Json::object()
                           .set("platform", platform.to_string())
                           .set("fits", fit.fits)
                           .set("spec_hash", intent.hash.hex())
                           .set("differences", to_json(fit.differences)));
        for (const auto& one : fit.differences)
            lines.push_back((intents.size() > 1 ? platform.to_string() + ": " : "") + text_of(one));
    }
    context.close_display();
    if (context.common.json) {
        print_answer(
            Json::object().set("fits", all_fit).set("file", path).set("platforms", std::move(platforms)).dump());
    } else {
        for (const auto& line : lines) print_answer(line);
    }
    context.reporter().note(all_fit ? fmt::format("{} is the lock of {}", path, intents.front().label)
                                    : fmt::format("{} is no longer the lock of {}: the same command without --check, "
                                                  "and with -o {}, brings it up to date and keeps what it can",
                                                  path, intents.front().label, path));
    return all_fit ? 0 : kDoesNotFit;
}

int run(const Arguments& arguments, CommandContext& context) {
    const bool to_stdout = arguments.output == "-";
    const auto form = form_of(arguments);
    if (arguments.check && form != kCondaLock)
        throw Error(ErrorKind::InvalidInput, "--check reads conda-lock's format alone");
    if (arguments.check) return check(arguments, context);
    if (!to_stdout) {
        check_output(arguments.output);
        check_is_no_input(arguments);
    }
    const auto before = earlier_file(arguments, form, context);
    auto intents = intents_of(arguments, before, context);
    if (form != kCondaLock && intents.size() > 1)
        throw Error(ErrorKind::InvalidInput, fmt::format("the {} format holds one platform", form))
            .with_hint("choose it with --platform");
    auto earlier = before ? earlier_locks(intents, *before, arguments, context)
                          : std::vector<std::optional<build::EarlierLock>>(intents.size());
    const auto freshness = arguments.refresh ? build::Freshness::Asked : build::Freshness::Cached;
    build::Stages stages;
    // Channels are what takes the time; each platform is then solved in milliseconds.
    std::vector<build::ChannelSources> channels;
    if (intents.size() > 1)
        channels = stages.time("repodata", [&] { return build::read_channels(intents, context.bench(), freshness); });
    std::vector<lock::Lock> locks;
    std::size_t packages = 0;
    const bool of_pip_alone = form == "pylock" || form == "requirements";
    bool left_out = false;
    for (std::size_t i = 0; i < intents.size(); ++i) {
        auto& intent = intents[i];
        if (form == "explicit") left_out = leave_out_pip(intent, context);
        if (intents.size() > 1) context.reporter().note("For " + intent.spec().platform.to_string());
        build::ResolveOptions options{.freshness = freshness, .earlier = std::move(earlier[i])};
        if (!channels.empty()) options.channels = std::move(channels[i]);
        auto lock = resolve(intent, std::move(options), intents.size() > 1, context, stages);
        lock.move_sources(to_stdout ? "." : std::filesystem::path(arguments.output).parent_path());
        packages += count_packages(lock, of_pip_alone);
        locks.push_back(std::move(lock));
    }
    const auto source = arguments.intent.environment == "-" ? "environment.yml" : intents.front().label;
    const auto text = write(locks, form, intents.front(), source);
    const auto conda = locks.front().conda.size();
    if (of_pip_alone && conda > 0)
        context.reporter().note(fmt::format("{} conda package{} {} not in it: the {} format is for pip's", conda,
                                            plural(conda), conda == 1 ? "is" : "are", form));
    const bool is_whole = of_pip_alone ? conda == 0 : !left_out;
    context.close_display();
    if (!to_stdout) {
        write_output(arguments.output, text);
        context.reporter().note(fmt::format("Wrote {} ({} package{})", arguments.output, packages, plural(packages)));
    }
    if (context.common.json) {
        auto facts = Json::array();
        for (std::size_t i = 0; i < locks.size(); ++i)
            facts.push(
                facts_of(intents[i], locks[i], is_whole, of_pip_alone).set("platform", locks[i].platform.to_string()));
        // Of several platforms, what each has is in "platforms".
        Json json = locks.size() == 1 ? facts.as_array().front() : Json::object();
        if (locks.size() > 1) json.set("platforms", std::move(facts));
        json.set("file", to_stdout ? Json() : Json(arguments.output));
        if (to_stdout) json.set("lock", text);
        print_answer(json.set("seconds", stages.to_json()).dump());
    } else if (to_stdout) {
        print_answer(text.ends_with('\n') ? std::string_view(text).substr(0, text.size() - 1) : std::string_view(text));
    }
    return 0;
}

}  // namespace

void add_lock_command(CLI::App& app, CommandContext& context, Action& chosen) {
    auto* command =
        app.add_subcommand("lock", "Resolve only: write a conda-lock file with every package pinned by hash");
    auto arguments = std::make_shared<Arguments>();
    command
        ->add_option("FILE", arguments->intent.environment,
                     "A file, a directory, NAME[:VERSION|@LABEL], or - for standard input")
        ->required();
    command->add_option("-o,--output", arguments->output, "Where to write it; - for standard output")
        ->capture_default_str();
    command
        ->add_option("--format", arguments->form,
                     "conda-lock; explicit (conda packages only: a pip section is left out); pylock (pylock.toml) or "
                     "requirements (with hashes), of pip's packages only. Without it what OUTPUT is called decides: "
                     "pylock.toml, requirements.txt, and else conda-lock")
        ->check(CLI::IsMember({kCondaLock, "explicit", "pylock", "requirements"}));
    command
        ->add_option("--update", arguments->update,
                     "A package that gets its newest version, may be repeated; all others stay as the lock in OUTPUT "
                     "has them, wherever that is possible")
        ->option_text("PACKAGE")
        ->allow_extra_args(false);
    command->add_flag("--refresh", arguments->refresh,
                      "Choose everything anew, whatever the lock in OUTPUT has, and ask the channels what changed");
    command->add_flag("--check", arguments->check,
                      "Resolve nothing and write nothing: say whether the lock in OUTPUT (conda-lock.yml) is still the "
                      "file's. Ends with 0 where it is, and with 1 and what differs where it is not");
    add_intent_options(*command, arguments->intent);
    command->remove_option(command->get_option("--platform"));
    command
        ->add_option("--platform", arguments->platforms,
                     "linux-64, linux-aarch64, …; may be repeated; without it those of the file's platforms: that are "
                     "Linux, those of the lock in OUTPUT, or linux-64")
        ->allow_extra_args(false);
    add_common_options(*command, context, false);
    command->footer(
        "The file is conda-lock's own format; conda-lock and micromamba read it, and envbuild build --lock builds "
        "exactly it. A lock that is there already is kept to: only what the environment file no longer allows changes, "
        "and what "
        "--update names.\n\n"
        "Examples:\n  envbuild lock environment.yml -o conda-lock.yml\n  envbuild lock environment.yml -o "
        "conda-lock.yml "
        "--update numpy\n  envbuild lock environment.yml -o conda-lock.yml --platform linux-64 --platform "
        "linux-aarch64\n  envbuild build --lock conda-lock.yml");
    command->callback(
        [arguments, &context, &chosen] { chosen = [arguments, &context] { return run(*arguments, context); }; });
}

}  // namespace envbuild::cli
