#include <fmt/format.h>

#include "base/strings.hpp"
#include "build/base_mirror.hpp"
#include "build/own_base.hpp"
#include "catalog/base_filter.hpp"
#include "catalog/framework_advice.hpp"
#include "cli/command.hpp"
#include "cli/read_lock.hpp"

namespace envbuild::cli {

namespace {

using catalog::BaseImageCatalog;

struct ListArguments {
    catalog::BaseFilter filter;
    std::vector<std::string> frameworks;
    bool sizes = false;
};

struct MirrorArguments {
    build::MirrorRequest request;
    std::vector<std::string> platforms, used_by, locks;
    build::IntentOptions intent;
    bool all_supported = false;
    std::string publisher;
};

BaseImageCatalog load_catalog(CommandContext& context) {
    return BaseImageCatalog::load(context.bench().settings().share_dir / "curated");
}

int list_images(const ListArguments& arguments, CommandContext& context) {
    const auto catalog = load_catalog(context);
    const auto images = value_or_throw(catalog::filter_images(catalog, arguments.filter));
    context.close_display();
    if (context.common.json) {
        Json list = Json::array();
        for (const auto* image : images) list.push(catalog::to_json(*image));
        print_answer(Json::object().set("images", list).dump());
        return 0;
    }
    if (images.empty()) {
        context.reporter().note(arguments.filter.deprecated
                                    ? "no base image of the catalogue is all of this at once"
                                    : "no supported base image is all of this at once; --deprecated shows the others");
        return 0;
    }
    for (const auto& line : catalog::table_of(images)) print_answer(line);
    return 0;
}

std::string facts_line(const catalog::FrameworkFacts& facts) {
    std::vector<std::string> builds;
    for (const auto& build : facts.builds)
        builds.push_back(build.cuda + (build.cudnn.empty() ? "" : " (cuDNN " + build.cudnn + ")"));
    auto line = fmt::format("{}: {}", facts.ask.text,
                            facts.loads_base ? "loads CUDA from its base image" : "brings its CUDA along");
    if (!builds.empty()) line += "; built for CUDA " + join(builds, ", ");
    if (!facts.pythons.empty()) line += "; Python " + join(facts.pythons, ", ");
    return line;
}

int for_frameworks(const ListArguments& arguments, CommandContext& context) {
    const auto catalog = load_catalog(context);
    std::vector<catalog::FrameworkAsk> asks;
    for (const auto& text : arguments.frameworks) asks.push_back(value_or_throw(catalog::FrameworkAsk::parse(text)));
    const auto platform = value_or_throw(
        conda::Platform::parse(arguments.filter.platform.empty() ? "linux-64" : arguments.filter.platform));
    const auto answer = value_or_throw(catalog::advise(catalog, asks, platform.to_string()));

    std::vector<std::optional<std::uint64_t>> sizes(answer.suggestions.size());
    std::vector<std::optional<std::uint64_t>> saved(answer.suggestions.size());
    for (std::size_t i = 0; arguments.sizes && i < answer.suggestions.size(); ++i) {
        const auto& suggestion = answer.suggestions[i];
        sizes[i] = build::download_size(suggestion.entry->image, platform, context.bench());
        if (suggestion.instead_of.empty() || !sizes[i]) continue;
        const auto larger = build::download_size(suggestion.instead_of, platform, context.bench());
        if (larger && *larger >= *sizes[i]) saved[i] = *larger - *sizes[i];
    }
    context.close_display();
    if (context.common.json) {
        auto json = answer.to_json();
        Json images = Json::array();
        for (std::size_t i = 0; i < answer.suggestions.size(); ++i) {
            auto image = json["images"].as_array()[i];
            image.set("bytes", sizes[i] ? Json(*sizes[i]) : Json())
                .set("saved_bytes", saved[i] ? Json(*saved[i]) : Json());
            images.push(std::move(image));
        }
        print_answer(json.set("images", images).dump());
        return 0;
    }
    for (std::size_t i = 0; i < answer.suggestions.size(); ++i) {
        const auto& suggestion = answer.suggestions[i];
        print_answer(suggestion.entry->image + (suggestion.entry->deprecated ? "  (deprecated)" : ""));
        print_answer("    " + suggestion.reason);
        if (!suggestion.instead_of.empty()) {
            print_answer(fmt::format("    in place of {}{}", suggestion.instead_of,
                                     saved[i] ? fmt::format(": {} less to download", human_bytes(*saved[i])) : ""));
        }
    }
    for (const auto& facts : answer.facts) {
        print_answer(facts_line(facts));
        if (!facts.note.empty()) print_answer("    " + facts.note);
        print_answer(fmt::format("    source: {}{}", facts.source_text.empty() ? facts.source : facts.source_text,
                                 facts.date.empty() ? "" : " (" + facts.date + ")"));
    }
    if (answer.facts.size() > 1 && answer.pythons) print_answer("Python for all: " + join(*answer.pythons, ", "));
    if (!answer.build_takes.empty())
        print_answer(fmt::format("build --gpu takes {} where --base says nothing", answer.build_takes));
    for (const auto& note : answer.notes) print_answer("note: " + note);
    return 0;
}

// The base images that a file's build would use.
std::string base_of_file(const std::string& word, const MirrorArguments& arguments, CommandContext& context) {
    auto options = arguments.intent;
    options.environment = word;
    const auto intent = build::read_intent(options, context.bench());
    if (intent.own_base) {
        throw Error(ErrorKind::InvalidInput, fmt::format("{} has a Dockerfile of its own as its base", word))
            .with_hint("name the images of its FROM lines");
    }
    const auto choice = value_or_throw(load_catalog(context).choose(intent.spec()));
    context.reporter().note(fmt::format("{} stands on {} ({})", word, choice.image, choice.reason));
    return choice.image;
}

int mirror(const MirrorArguments& arguments, CommandContext& context) {
    auto request = arguments.request;
    const auto catalogue = load_catalog(context);
    request.catalog = &catalogue;
    if (!arguments.platforms.empty()) request.platforms.clear();
    for (const auto& name : arguments.platforms)
        request.platforms.push_back(value_or_throw(conda::Platform::parse(name)));
    if (arguments.all_supported) {
        catalog::BaseFilter filter;
        filter.publisher = arguments.publisher;
        for (const auto* image : value_or_throw(catalog::filter_images(catalogue, filter)))
            request.images.push_back(image->image);
    }
    for (const auto& file : arguments.used_by) request.images.push_back(base_of_file(file, arguments, context));
    for (const auto& file : arguments.locks) {
        const auto lock = read_lock_file(file, arguments.platforms.empty() ? "" : arguments.platforms.front());
        if (lock.base.name.starts_with(build::kOwnBaseName)) {
            throw Error(ErrorKind::InvalidInput,
                        fmt::format("{}: its base is the image of a Dockerfile of one's own, which is kept in the "
                                    "repository of the images and comes from no registry",
                                    file))
                .with_hint("name the images of its FROM lines");
        }
        request.images.push_back(lock.base.name + "@" + lock.base.digest.to_string());
    }
    if (request.images.empty()) {
        throw Error(ErrorKind::InvalidInput, "name the images to copy")
            .with_hint("or take --all-supported, --used-by FILE or --lock FILE; envbuild bases lists them");
    }
    const auto report = build::mirror_images(request, context.bench());
    context.close_display();
    if (context.common.json) print_answer(report.to_json().dump());
    std::optional<Error> failure;
    for (const auto& image : report.images) {
        if (image.error) {
            tell("{}",
                 format_error(Error(*image.error).with_context("copying " + image.image), context.display_options()));
            if (!failure) failure = image.error;
            continue;
        }
        if (!image.moved.empty()) context.reporter().warn(image.moved);
        if (!context.common.json) {
            print_answer(fmt::format("{}@{}", image.to, image.digest.to_string()));
            context.reporter().note(image.changed ? fmt::format("{}: copied {} in {} blobs; {} were there", image.image,
                                                                human_bytes(image.copied_bytes), image.copied_blobs,
                                                                image.present_blobs)
                                                  : fmt::format("{}: all of it was there", image.image));
        }
    }
    if (!context.common.json && !context.common.quiet)
        tell("To ask there first, write into config.yaml: {}\n", report.settings_line());
    return failure ? exit_code(failure->kind()) : 0;
}

void add_mirror_command(CLI::App& bases, CommandContext& context, Action& chosen) {
    auto* command = bases.add_subcommand("mirror", "Copy images by digest into the team's registry");
    auto arguments = std::make_shared<MirrorArguments>();
    command->add_option("IMAGE", arguments->request.images, "Images by tag or digest");
    command->add_option("--to", arguments->request.to,
                        "host[:port]/prefix; {registry} in it stands for the image's own registry. Default: the first "
                        "mirror that the settings name for it, else <registry>/bases/{registry}");
    command->add_flag("--all-supported", arguments->all_supported,
                      "Every image of the catalogue that is not deprecated");
    command->add_option("--publisher", arguments->publisher, "Of --all-supported only those of one publisher");
    command->add_option("--used-by", arguments->used_by, "The base that this environment is built on; may be repeated")
        ->allow_extra_args(false);
    command->add_option("--lock", arguments->locks, "The base that this lock names; may be repeated")
        ->allow_extra_args(false);
    command->add_flag("--gpu", arguments->intent.gpu, "With --used-by: the base for a GPU");
    command->add_option("--cuda", arguments->intent.cuda, "With --used-by: the base with this CUDA (means --gpu)");
    command
        ->add_option("--platform", arguments->platforms, "Of an index by tag: linux-64 (default), …; may be repeated")
        ->allow_extra_args(false);
    command->add_flag("--all-platforms", arguments->request.all_platforms,
                      "Of an index: all of it, byte for byte; so is one that is named by digest");
    add_common_options(*command, context, true);
    command->footer(
        "What the mirror has is skipped, so a run that broke goes on where it was. Everything is read back at the "
        "end.\n"
        "Prints what each image is called there, and the line for config.yaml that makes envbuild ask there first.\n\n"
        "Examples:\n  envbuild bases mirror nvidia/cuda:11.8.0-cudnn8-runtime-ubuntu22.04 --to registry.lab:5000/hub\n"
        "  envbuild bases mirror --used-by environment.yml --gpu\n"
        "  envbuild bases mirror --all-supported --publisher nvidia --to 'registry.lab:5000/bases/{registry}'");
    command->callback(
        [arguments, &context, &chosen] { chosen = [arguments, &context] { return mirror(*arguments, context); }; });
}

}  // namespace

void add_bases_command(CLI::App& app, CommandContext& context, Action& chosen) {
    auto* command = app.add_subcommand("bases", "List base images, find the one for a framework, copy them");
    auto arguments = std::make_shared<ListArguments>();
    auto& filter = arguments->filter;
    command->add_option("--for", arguments->frameworks,
                        "Which image fits torch==2.1, conda:pytorch=2.1, tensorflow==2.4.0; may be repeated");
    command->add_flag("--sizes", arguments->sizes, "With --for: ask the registry what each image weighs");
    command->add_option("--cuda", filter.cuda, "11, 11.8, 11.8.0, or none");
    command->add_option("--cudnn", filter.cudnn, "8, 8.9, or none");
    command->add_option("--os", filter.os, "ubuntu22.04, or ubuntu");
    command->add_option("--flavor", filter.flavor, "base, runtime or devel");
    command->add_option("--publisher", filter.publisher, "nvidia, azureml, library, or a registry");
    command->add_option("--mpi", filter.mpi, "openmpi, intelmpi, openmpi 4.1.0");
    command->add_option("--platform", filter.platform, "linux-64, linux-aarch64, …");
    command->add_flag("--deprecated", filter.deprecated, "Those that their publisher no longer supports too");
    add_common_options(*command, context, false);
    command->footer(
        "docs/base-images.md says how a build chooses its base.\n\n"
        "Examples:\n  envbuild bases --cuda 11.8 --flavor runtime\n  envbuild bases --publisher azureml --deprecated\n"
        "  envbuild bases --for torch==2.1\n  envbuild bases --for tensorflow==2.4.0 torch==1.7 --json\n"
        "  envbuild bases mirror nvidia/cuda:11.8.0-cudnn8-runtime-ubuntu22.04 --to registry.lab:5000/hub");
    command->require_subcommand(0, 1);
    add_mirror_command(*command, context, chosen);
    command->callback([arguments, command, &context, &chosen] {
        if (!command->get_subcommands().empty()) return;
        chosen = [arguments, &context] {
            return arguments->frameworks.empty() ? list_images(*arguments, context)
                                                 : for_frameworks(*arguments, context);
        };
    });
}

}  // namespace envbuild::cli
