#include <fmt/format.h>

#include "build/key_diff.hpp"
#include "cli/command.hpp"
#include "cli/differences.hpp"
#include "cli/read_lock.hpp"

namespace envbuild::cli {

namespace {

constexpr int kDiffer = 1;

struct Key {
    std::string label, hash;
    Json canonical;
    bool lock = false;
};

Key key_of(const std::string& word, build::IntentOptions options, CommandContext& context) {
    if (is_lock_file(word)) {
        const auto lock = read_lock_file(word, options.platform);
        return {word, lock.hash().hex(), lock.canonical(), true};
    }
    options.environment = word;
    const auto intent = build::read_intent(options, context.bench());
    return {intent.label, intent.hash.hex(), intent.spec().canonical(), false};
}

int run(const std::vector<std::string>& words, const build::IntentOptions& options, CommandContext& context) {
    const auto before = key_of(words.at(0), options, context);
    const auto after = key_of(words.at(1), options, context);
    if (before.lock != after.lock) {
        throw Error(ErrorKind::InvalidInput, fmt::format("{} is {} and {} is {}: compare two of a kind", before.label,
                                                         before.lock ? "a lock" : "an intent", after.label,
                                                         after.lock ? "a lock" : "an intent"));
    }
    const auto differences = build::key_differences(before.canonical, after.canonical);
    context.close_display();
    if (context.common.json) {
        Json json = Json::object().set("same", before.hash == after.hash);
        json.set("before", before.hash).set("after", after.hash);
        print_answer(json.set("differences", to_json(differences)).dump());
    } else {
        for (const auto& one : differences) print_answer(text_of(one));
    }
    if (before.hash == after.hash) context.reporter().note("the same: " + before.hash);
    return before.hash == after.hash ? 0 : kDiffer;
}

}  // namespace

void add_diff_command(CLI::App& app, CommandContext& context, Action& chosen) {
    auto* command = app.add_subcommand("diff", "Say which part of two intents, or of two locks, differs");
    auto words = std::make_shared<std::vector<std::string>>();
    auto options = std::make_shared<build::IntentOptions>();
    command->add_option("A B", *words, "Two environments (NAME[:VERSION|@LABEL], file, directory), or two lock files")
        ->required()
        ->expected(2);
    add_intent_options(*command, *options);
    add_common_options(*command, context, true);
    command->footer(
        "Ends with 0 where they mean the same and 1 where they differ. Options hold for both sides.\n\n"
        "Examples:\n  envbuild diff AzureML-PyTorch-1.6-GPU my-pytorch\n  envbuild diff train:3 train@stable\n"
        "  envbuild diff old/conda-lock.yml conda-lock.yml");
    command->callback([words, options, &context, &chosen] {
        chosen = [words, options, &context] { return run(*words, *options, context); };
    });
}

}  // namespace envbuild::cli
