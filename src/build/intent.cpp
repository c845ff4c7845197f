#include "build/intent.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/fs.hpp"
#include "base/strings.hpp"
#include "build/environment_ref.hpp"
#include "build/git_context.hpp"
#include "catalog/base_images.hpp"
#include "catalog/cpu_platforms.hpp"
#include "catalog/cuda.hpp"
#include "oci/reference.hpp"
#include "spec/context_tree.hpp"

namespace envbuild::build {

namespace {

// CONDA_OVERRIDE_CUDA and _ARCHSPEC with a value are asks like --target-cuda and --target-cpu; the rest goes by the
// virtual package's name. An empty one takes the package away, as in conda.
std::map<std::string, std::string> virtual_overrides(const ProcessEnv& env) {
    std::map<std::string, std::string> overrides;
    for (const auto& [variable, name] :
         {std::pair("CONDA_OVERRIDE_LINUX", "__linux"), std::pair("CONDA_OVERRIDE_GLIBC", "__glibc")}) {
        if (const auto value = env.get(variable)) overrides[name] = *value;
    }
    for (const auto& [variable, name] :
         {std::pair("CONDA_OVERRIDE_CUDA", "__cuda"), std::pair("CONDA_OVERRIDE_ARCHSPEC", "__archspec")}) {
        if (const auto value = env.get(variable); value && value->empty()) overrides[name] = "";
    }
    return overrides;
}

// "x86_64_v3", "skylake_avx512", "neoverse_n1": which of them there are changes with every CPU that is made.
void check_cpu(const std::string& cpu) {
    const bool proper = cpu.size() > 1 && cpu.front() >= 'a' && cpu.front() <= 'z' &&
                        cpu.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_.") == std::string::npos;
    if (cpu.empty() || proper) return;
    throw Error(ErrorKind::InvalidInput, fmt::format("'{}' is no CPU as archspec names them", cpu))
        .with_hint("such as x86_64_v3, skylake_avx512 or neoverse_n1; python -m archspec cpu prints this machine's");
}

// A slip is told now and not after a look-up that says "miss".
void check_versions(const spec::GpuAsk& gpu) {
    for (const auto* cuda : {&gpu.cuda, &gpu.target_cuda}) {
        if (!cuda->empty()) static_cast<void>(value_or_throw(catalog::CudaVersion::parse(*cuda)));
    }
    check_cpu(gpu.target_cpu);
}

spec::ReadOptions read_options(const IntentOptions& options, const Workbench& bench) {
    const auto& settings = bench.settings();
    spec::ReadOptions read;
    if (!options.platform.empty()) {
        read.platform = value_or_throw(conda::Platform::parse(options.platform));
        if (!read.platform.is_linux())
            throw Error(ErrorKind::InvalidInput, fmt::format("images for {} are not built", options.platform))
                .with_hint("containers run on Linux: --platform linux-64, linux-aarch64, linux-ppc64le, …");
    }
    read.cancel = bench.cancel();
    read.channels = options.channels;
    read.variables = options.variables;
    read.gpu.wanted = options.gpu || !options.cuda.empty();
    read.gpu.cuda = options.cuda;
    // What conda's overrides and the site's settings say decides bytes as much as the command line does, so it counts
    // for the hash in the same place. Overrides win, as everywhere in conda.
    const auto first = [](const std::optional<std::string>& overridden, const std::string& asked,
                          const std::string& configured) {
        return overridden ? *overridden : asked.empty() ? configured : asked;
    };
    read.gpu.target_cuda = first(bench.env().get_nonempty("CONDA_OVERRIDE_CUDA"), options.target_cuda,
                                 read.gpu.wanted ? settings.target_cuda : std::string());
    read.gpu.target_cpu =
        first(bench.env().get_nonempty("CONDA_OVERRIDE_ARCHSPEC"), options.target_cpu, settings.target_cpu);
    read.overrides = virtual_overrides(bench.env());
    if (const auto priority = value_or_throw(bench.conda_settings().channel_priority); priority != "strict")
        read.channel_priority = priority;
    for (const auto& pin : options.pins) read.pins.push_back({pin, "--pin"});
    if (!options.ignore_pins) {
        for (const auto& pin : value_or_throw(bench.conda_settings().pins)) read.pins.push_back(pin);
    }
    check_versions(read.gpu);
    if (!options.base.empty()) static_cast<void>(value_or_throw(oci::Reference::parse(options.base)));
    read.base_image = !options.base.empty() ? options.base : read.gpu.wanted ? settings.base_gpu : settings.base_cpu;
    read.python = options.python;
    read.env = bench.env();
    read.channel_settings = bench.channel_settings();
    return read;
}

// The CPU that the user asks for himself, by conda's override or by --target-cpu.
std::string asked_cpu(const IntentOptions& options, const Workbench& bench) {
    return bench.env().get_nonempty("CONDA_OVERRIDE_ARCHSPEC").value_or(options.target_cpu);
}

// A CPU counts for the platform that it is of. What a user asks for has to fit the platform, or one of several; what
// a site has set is for those nodes that it fits.
spec::ReadOptions options_of_platform(const IntentOptions& options, const Workbench& bench) {
    auto read = read_options(options, bench);
    auto& cpu = read.gpu.target_cpu;
    if (cpu.empty()) return read;
    const auto& platform = read.platform.to_string();
    const auto its = catalog::CpuPlatforms::load(bench.settings().share_dir / "curated").platform_of(cpu);
    const bool is_asked = !asked_cpu(options, bench).empty();
    if (its.empty() && options.one_of_several) {
        throw Error(ErrorKind::InvalidInput,
                    fmt::format("'{}' is no CPU that is known here, so which of several platforms it is for is not "
                                "known either",
                                cpu))
            .with_hint("name one --platform with it");
    }
    if (its.empty() && is_asked)
        bench.warn_once(fmt::format("'{}' is no CPU that is known here; it is taken as it is written", cpu));
    if (its.empty() || its == platform) return read;
    if (is_asked && !options.one_of_several) {
        throw Error(ErrorKind::InvalidInput, fmt::format("'{}' is a CPU of {}, not of {}", cpu, its, platform))
            .with_hint(fmt::format("choose a CPU of {0}, or none, for any of {0}; or --platform {1}", platform, its));
    }
    cpu.clear();
    return read;
}

// Azure ML pulls "<address>/<baseImage>" where a definition has a baseImageRegistry; an image that names its registry
// itself is left as it is.
std::string base_image_of(const spec::Definition& definition) {
    const auto& image = definition.base.image;
    auto address = definition.document["docker"]["baseImageRegistry"].string_or("address", "");
    if (const auto scheme = address.find("://"); scheme != std::string::npos) address.erase(0, scheme + 3);
    while (address.ends_with('/')) address.pop_back();
    if (image.empty() || address.empty()) return image;
    const auto host = image.substr(0, image.find('/'));
    const bool named = host != image && (host.find_first_of(".:") != std::string::npos || host == "localhost");
    return named ? image : address + "/" + image;
}

// What a definition says is as if it had been typed; what was typed wins.
IntentOptions with_definition(IntentOptions options, const spec::Definition& definition) {
    const auto fill = [](std::string& asked, const std::string& defined) {
        if (asked.empty()) asked = defined;
    };
    fill(options.base, base_image_of(definition));
    fill(options.platform, definition.platform);
    fill(options.cuda, definition.gpu.cuda);
    fill(options.target_cuda, definition.gpu.target_cuda);
    fill(options.target_cpu, definition.gpu.target_cpu);
    options.gpu = options.gpu || definition.gpu.wanted;
    for (const auto& [name, value] : definition.variables) options.variables.emplace(name, value);
    return options;
}

RunHints run_hints(const spec::Definition& definition) {
    return {definition.shm_size, definition.arguments, definition.user_managed ? "" : "python"};
}

// Azure ML adds a Python where none is asked for.
constexpr std::string_view kDefaultPython = "dependencies:\n  - python\n";

spec::ReadResult read_definition_spec(const FoundEnvironment& found, const spec::ReadOptions& options) {
    const auto& definition = *found.definition;
    if (definition.user_managed) {
        // Nothing is installed, so that of the intent only what makes the base and its variables is left.
        spec::ReadResult result;
        result.file = (found.path / spec::kDefinitionFile).string();
        auto& spec = result.spec;
        spec.name = definition.name;
        spec.platform = options.platform;
        spec.base_image = options.base_image;
        spec.gpu.wanted = options.gpu.wanted;
        // Which image the catalogue chooses where none is named.
        if (options.base_image.empty()) spec.gpu.cuda = options.gpu.cuda;
        // As they are checked where packages are installed.
        spec.variables = spec::read_environment_text(kDefaultPython, result.file, found.path, options).spec.variables;
        spec.user_managed = true;
        return result;
    }
    const auto part = spec::conda_part(definition, found.path);
    if (!part) {
        const auto file = (found.path / spec::kCondaFile).string();
        return spec::read_environment_text(kDefaultPython, file, found.path, options);
    }
    return spec::read_environment_text(part->bytes, part->file, part->directory, options);
}

// A Dockerfile without a context is a context of one file.
std::shared_ptr<TempDir> dockerfile_folder(const std::string& dockerfile, const Workbench& bench) {
    auto folder = std::make_shared<TempDir>("dockerfile", bench.cache_folder("tmp"));
    write_file_atomic(folder->path() / "Dockerfile", dockerfile);
    return folder;
}

OwnContext context_of(const std::filesystem::path& directory, const std::string& dockerfile,
                      std::shared_ptr<TempDir> folder, const Workbench& bench) {
    const auto tree = spec::read_context(directory, dockerfile, bench.cancel());
    return {{tree.digest.hex(), dockerfile},
            [files = context_files(tree)](const Workbench&) { return files; },
            [directory, dockerfile](const Workbench& at) {
                return spec::read_context(directory, dockerfile, at.cancel()).digest.hex();
            },
            std::move(folder)};
}

std::optional<OwnContext> own_context(const FoundEnvironment& found, const Workbench& bench) {
    const auto& base = found.definition->base;
    if (!base.dockerfile.empty()) {
        auto folder = dockerfile_folder(base.dockerfile, bench);
        return context_of(folder->path(), "Dockerfile", folder, bench);
    }
    if (base.context.empty()) return std::nullopt;
    if (base.context_is_git())
        return git_context(value_or_throw(spec::GitLocation::parse(base.context)), base.context_dockerfile, bench);
    return context_of(found.path / base.context, base.context_dockerfile, nullptr, bench);
}

}  // namespace

Intent make_intent(const FoundEnvironment& found, const IntentOptions& asked, const Workbench& bench) {
    Intent intent;
    intent.label = found.label;
    intent.folder = found.folder;
    if (found.definition) {
        if (!asked.python.empty()) {
            throw Error(ErrorKind::InvalidInput,
                        fmt::format("--python is for requirement files: {} says its own", found.label));
        }
        auto options = options_of_platform(with_definition(asked, *found.definition), bench);
        const spec::SourcesWithin sources(found.path);
        options.sources = &sources;
        intent.read = read_definition_spec(found, options);
        intent.run = run_hints(*found.definition);
        if (asked.base.empty()) intent.own_base = own_context(found, bench);
        if (intent.own_base) {
            intent.read.spec.own_base = intent.own_base->key;
            intent.read.spec.base_image.clear();
        }
    } else {
        intent.read = spec::read_environment(found.path, options_of_platform(asked, bench));
    }
    const auto& result = intent.read;
    const auto& subdir = result.spec.platform.to_string();
    if (!result.platforms.empty() && std::ranges::find(result.platforms, subdir) == result.platforms.end()) {
        throw Error(ErrorKind::InvalidInput, fmt::format("{}: its platforms do not include {}", result.file, subdir))
            .with_hint(
                fmt::format("choose one of them with --platform, such as --platform {}", result.platforms.front()));
    }
    intent.hash = result.spec.hash();
    return intent;
}

namespace {

void learn_from(const Intent& intent, const Workbench& bench) {
    for (const auto& warning : intent.read.warnings) bench.warn_once(warning.located_message());
    bench.learn_credentials(intent.read.credentials);
    for (const auto& index : intent.spec().indexes.index_urls) {
        if (const auto url = Url::parse(index)) bench.learn_index_credential(*url);
    }
}

std::vector<std::string> linux_ones(const std::vector<std::string>& names) {
    std::vector<std::string> platforms;
    for (const auto& name : names) {
        const auto platform = conda::Platform::parse(name);
        if (platform && platform->is_linux()) platforms.push_back(platform->to_string());
    }
    return platforms;
}

// What the environment itself is for.
std::vector<std::string> listed_platforms(const FoundEnvironment& found, const IntentOptions& options,
                                          const Workbench& bench) {
    if (!found.definition) return spec::read_environment(found.path, read_options(options, bench)).platforms;
    const auto& platform = found.definition->platform;
    return platform.empty() ? std::vector<std::string>{} : std::vector<std::string>{platform};
}

}  // namespace

namespace {

// Of several platforms, which ones the CPU that is asked for is not for. InvalidInput where it is for none.
void tell_of_cpu(const FoundEnvironment& found, const IntentOptions& asked, const std::vector<Intent>& intents,
                 const Workbench& bench) {
    const auto cpu = asked_cpu(found.definition ? with_definition(asked, *found.definition) : asked, bench);
    if (cpu.empty()) return;
    std::vector<std::string> with, without;
    for (const auto& intent : intents)
        (intent.spec().gpu.target_cpu.empty() ? without : with).push_back(intent.spec().platform.to_string());
    if (with.empty()) {
        throw Error(ErrorKind::InvalidInput, fmt::format("'{}' is a CPU of none of {}", cpu, join(without, ", ")))
            .with_hint("leave it out, or add its platform");
    }
    if (!without.empty())
        bench.reporter().note(fmt::format("The CPU {} is for {}; {} {} resolved for any CPU", cpu, join(with, ", "),
                                          join(without, ", "), without.size() == 1 ? "is" : "are"));
}

}  // namespace

Intent read_intent(const IntentOptions& options, const Workbench& bench) {
    auto intent = make_intent(find_environment(options.environment, bench), options, bench);
    learn_from(intent, bench);
    return intent;
}

std::vector<Intent> read_intents(const IntentOptions& asked, const std::vector<std::string>& platforms,
                                 const Workbench& bench, const std::vector<std::string>& otherwise) {
    const auto found = find_environment(asked.environment, bench);
    std::vector<std::string> wanted;
    for (const auto& name : platforms) wanted.push_back(value_or_throw(conda::Platform::parse(name)).to_string());
    if (wanted.empty()) wanted = linux_ones(listed_platforms(found, asked, bench));
    if (wanted.empty()) wanted = linux_ones(otherwise);
    if (wanted.empty()) wanted.emplace_back();
    std::vector<Intent> intents;
    std::set<std::string> seen;
    const bool several = std::ranges::any_of(wanted, [&](const auto& platform) { return platform != wanted.front(); });
    for (const auto& platform : wanted) {
        if (!seen.insert(platform).second) continue;
        auto options = asked;
        options.platform = platform;
        options.one_of_several = several;
        intents.push_back(make_intent(found, options, bench));
    }
    for (const auto& intent : intents) learn_from(intent, bench);
    if (several) tell_of_cpu(found, asked, intents, bench);
    return intents;
}

void check_options(const IntentOptions& asked, const spec::Definition& definition, const Workbench& bench) {
    auto options = asked;
    options.python.clear();  // it has become a spec of the definition's
    const auto read = spec::read_environment_text(kDefaultPython, "", ".",
                                                  options_of_platform(with_definition(options, definition), bench));
    if (!definition.base.dockerfile.empty() || !definition.base.context.empty()) return;
    const auto catalog = catalog::BaseImageCatalog::load(bench.settings().share_dir / "curated");
    static_cast<void>(value_or_throw(catalog.choose(read.spec)));
}

spec::LintReport lint_intent(const IntentOptions& asked, const Workbench& bench) {
    const auto found = find_environment(asked.environment, bench, Warnings::Kept);
    if (!found.definition) return spec::lint_environment(found.path, options_of_platform(asked, bench));
    auto options = options_of_platform(with_definition(asked, *found.definition), bench);
    const spec::SourcesWithin sources(found.path);
    options.sources = &sources;
    const auto part = found.definition->user_managed ? std::nullopt : spec::conda_part(*found.definition, found.path);
    spec::LintReport report;
    if (part) report = spec::lint_environment_text(part->bytes, part->file, part->directory, options);
    report.kind = spec::FileKind::AzureMlAsset;
    report.file = found.label;
    report.diagnostics.insert(report.diagnostics.begin(), found.warnings.begin(), found.warnings.end());
    if (report.errors() > 0) return report;
    // What the linter does not see: the base, the build context, platforms.
    report.spec = make_intent(found, asked, bench).spec();
    return report;
}

}  // namespace envbuild::build
