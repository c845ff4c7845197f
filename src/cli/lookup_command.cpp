#include <fmt/format.h>

#include "cache/lookup.hpp"
#include "cli/command.hpp"

namespace envbuild::cli {

namespace {

constexpr int kHit = 0;
constexpr int kMiss = 3;
constexpr int kUnknown = 4;

// A hash that was cut, as git's may be.
bool looks_like_hash(std::string_view word) {
    return word.size() >= 7 && word.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
}

Digest asked_hash(const build::IntentOptions& options, CommandContext& context) {
    if (const auto hash = Digest::from_hex(options.environment)) return *hash;
    try {
        return value_or_throw(Digest::from_hex(build::read_intent(options, context.bench()).hash.hex()));
    } catch (const Error& error) {
        const auto& word = options.environment;
        if (error.kind() != ErrorKind::NotFound || !looks_like_hash(word)) throw;
        throw Error(error).with_hint(
            fmt::format("if it is to be a spec hash: that has 64 hexadecimal digits, and this has {}", word.size()));
    }
}

Error unanswered(const Error& error) {
    if (!error.hint().empty()) return error;
    return Error(error).with_hint(
        "it is not known whether the image is there; check --registry or ENVBUILD_REGISTRY and that it runs (envbuild "
        "doctor asks it), or try again");
}

int answer(const cache::LookupResult& result, const Digest& hash, CommandContext& context) {
    Json json = Json::object();
    json.set("spec_hash", hash.hex());
    int code = kHit;
    if (const auto* hit = std::get_if<cache::Hit>(&result)) {
        json.set("status", "hit")
            .set("image", hit->image)
            .set("digest", hit->descriptor.digest.to_string())
            .set("lock_hash", hit->lock_hash.hex());
        if (!context.common.json) print_answer(hit->image);
    } else if (const auto* miss = std::get_if<cache::Miss>(&result)) {
        code = kMiss;
        json.set("status", "miss");
        if (!miss->warning.empty()) context.reporter().warn(miss->warning);
        context.reporter().note(fmt::format("miss: no image for {}", hash.hex()));
    } else {
        code = kUnknown;
        const auto error = unanswered(std::get<cache::Unknown>(result).error);
        json.set("status", "unknown").set("error", error.to_string());
        context.close_display();
        tell("{}", format_error(error, context.display_options()));
    }
    if (context.common.json) print_answer(json.dump());
    return code;
}

}  // namespace

void add_lookup_command(CLI::App& app, CommandContext& context, Action& chosen) {
    auto* command = app.add_subcommand("lookup", "Say whether an environment is built: hit 0, miss 3, unknown 4");
    auto options = std::make_shared<build::IntentOptions>();
    auto verify = std::make_shared<bool>(false);
    command->add_option("FILE|HASH", options->environment, "A file, a directory, NAME[:VERSION|@LABEL], or a spec hash")
        ->required();
    add_intent_options(*command, *options);
    command->add_flag("--verify", *verify, "Ask for every blob of the image too; in the embedded store, hash each");
    add_common_options(*command, context, true);
    command->footer(
        "A hit prints repository@sha256:… on standard output. A registry that cannot be asked is never a miss.\n\n"
        "Examples:\n  envbuild lookup environment.yml --gpu --registry registry.lab:5000/team/envs\n"
        "  image=$(envbuild lookup environment.yml) && docker run --rm \"$image\" python train.py");
    command->callback([options, verify, &context, &chosen] {
        chosen = [options, verify, &context] {
            const auto hash = asked_hash(*options, context);
            const auto repository = context.bench().repository();
            const auto check = *verify ? cache::Check::EveryBlob : cache::Check::Usual;
            return answer(cache::lookup(*repository, hash, check), hash, context);
        };
    });
}

}  // namespace envbuild::cli
