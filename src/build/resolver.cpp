#include "build/resolver.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/parallel.hpp"
#include "base/strings.hpp"
#include "build/own_base.hpp"
#include "build/pin_hashes.hpp"
#include "build/pip_phase.hpp"
#include "catalog/base_images.hpp"
#include "catalog/virtual_packages.hpp"
#include "conda/repodata_fetcher.hpp"
#include "dockerfile/templates.hpp"
#include "solve/repodata_source.hpp"
#include "solve/solver.hpp"
#include "solve/virtual_packages.hpp"

namespace envbuild::build {

namespace {

// The file's channels, and those that only a "channel::name" names, as those of the lowest priority.
std::vector<conda::Channel> channels_of(const spec::EnvironmentSpec& spec) {
    auto channels = spec.channels;
    for (const auto& asked : spec.conda) {
        if (asked.channel().empty()) continue;
        for (const auto one : split(asked.channel(), '|')) {
            const auto known = std::ranges::any_of(
                channels, [&](const auto& c) { return solve::channel_matches(one, c.url().to_string()); });
            if (known) continue;
            if (auto url = Url::parse(one)) channels.emplace_back(std::string(one), std::move(*url));
        }
    }
    return channels;
}

ChannelSources channels_of_intent(const Intent& intent, const Workbench& bench, Freshness freshness) {
    conda::RepoDataFetchSettings settings;
    settings.cache_directory = bench.cache_folder("repodata");
    settings.refresh = freshness == Freshness::Asked;
    conda::RepoDataFetcher fetcher(bench.http(), bench.channel_settings(), settings, bench.reporter());
    std::vector<std::string> roots;
    for (const auto& asked : intent.spec().conda) {
        if (asked.has_exact_name()) roots.push_back(asked.name());
    }
    return solve::channel_sources(fetcher.fetch(channels_of(intent.spec()), intent.spec().platform, roots));
}

lock::BaseImage locked_base(const ResolvedBase& base, const catalog::BaseChoice& choice) {
    const auto& config = base.image.config;
    lock::BaseImage locked;
    locked.name = base.name.without_digest().to_string();
    locked.digest = base.image.descriptor.digest;
    locked.glibc = base.facts.glibc;
    // NVIDIA's images say themselves which CUDA they hold; the catalogue is asked where one does not.
    locked.cuda = config.env("CUDA_VERSION").value_or(choice.cuda);
    locked.cudnn = config.env("NV_CUDNN_VERSION").value_or(choice.cudnn);
    return locked;
}

std::string target_cuda(const spec::EnvironmentSpec& spec, const lock::BaseImage& base,
                        const catalog::BaseImageCatalog& catalog) {
    if (!spec.gpu.target_cuda.empty())
        return value_or_throw(catalog::CudaVersion::parse(spec.gpu.target_cuda)).major_minor();
    if (!spec.gpu.wanted) return "";
    if (!base.cuda.empty()) return value_or_throw(catalog::CudaVersion::parse(base.cuda)).major_minor();
    if (!spec.gpu.cuda.empty()) return value_or_throw(catalog::CudaVersion::parse(spec.gpu.cuda)).major_minor();
    return catalog.cuda().default_target();
}

// The base's CUDA is newer than what the driver of the nodes offers. Whether that matters is for what is installed to
// say: much brings a CUDA of its own.
void warn_of_newer_base(const lock::BaseImage& base, const std::string& target, Reporter& reporter) {
    const auto of_base = catalog::CudaVersion::parse(base.cuda);
    const auto of_node = catalog::CudaVersion::parse(target);
    if (base.cuda.empty() || target.empty() || !of_base || !of_node) return;
    const bool same_major = of_base->major() == of_node->major();
    const bool newer = of_base->major() > of_node->major() || (same_major && of_base->minor() > of_node->minor());
    if (!newer) return;
    reporter.warn(fmt::format(
        "the base image has CUDA {}, and the driver of the nodes offers {} (--target-cuda): {}", of_base->major_minor(),
        of_node->major_minor(),
        same_major && of_node->major() >= 11
            ? "what uses the base's libraries runs there by minor version compatibility, and what compiles kernels as "
              "it runs may not"
            : "what uses the base's libraries does not run there; choose the base with --cuda, or --base"));
}

std::vector<catalog::NamedVersion> named_versions(const lock::Lock& lock) {
    std::vector<catalog::NamedVersion> packages;
    packages.reserve(lock.conda.size() + lock.pip.size());
    for (const auto& record : lock.conda) packages.push_back({record.name, record.version.to_string(), false});
    for (const auto& file : lock.pip) {
        if (!file.build_only) packages.push_back({file.name, file.version, true});
    }
    return packages;
}

void choose_pip(const Intent& intent, const ResolvedBase& base, lock::Lock& lock, const Workbench& bench,
                Stages& stages, const std::optional<EarlierLock>& earlier, bool refresh) {
    const bool hashed = std::ranges::any_of(intent.spec().pip, [](const auto& line) { return !line.hashes.empty(); });
    if (earlier && !hashed) {
        auto pinned = intent;
        pinned.read.spec = with_pins(intent.spec(), *earlier);
        const auto before = lock;
        try {
            choose_pip_files(pinned, base, lock, bench, stages, refresh);
            return;
        } catch (const Error& error) {
            if (error.kind() != ErrorKind::Unsatisfiable) throw;
            bench.reporter().note("pip's half cannot keep all versions of the earlier lock: it is resolved anew");
            lock = before;
        }
    }
    choose_pip_files(intent, base, lock, bench, stages, refresh);
}

// "; 51 as before".
std::string kept_of(const lock::Lock& lock, const EarlierLock& earlier) {
    const auto kept = std::ranges::count_if(lock.conda, [&](const auto& record) {
        return std::ranges::any_of(earlier.lock.conda, [&](const auto& old) { return old.url == record.url; });
    });
    return fmt::format("; {} as before", kept);
}

// As conda reads the channel of a dependency: by its own settings. A path would be one of this machine.
std::optional<std::string> channel_url(const std::string& name, const conda::ChannelSettings& settings) {
    if (name.starts_with('/') || name.starts_with('.') || name.starts_with('~')) return std::nullopt;
    const auto channels = conda::resolve_channel(name, settings, "/");
    if (!channels) return std::nullopt;
    std::vector<std::string> urls;
    for (const auto& channel : *channels) urls.push_back(channel.url().to_string());
    return join(urls, "|");
}

solve::Solution solve_conda(const Intent& intent, const lock::Lock& lock, ChannelSources sources,
                            const Workbench& bench, const std::optional<EarlierLock>& earlier) {
    solve::Request request;
    request.specs = intent.spec().conda;
    for (const auto& pin : intent.spec().pins) request.constraints.emplace_back(pin.spec, pin.origin);
    request.virtual_packages = value_or_throw(solve::virtual_records(lock.virtual_packages));
    request.gpu = lock.gpu;
    request.channel_url = [&](const std::string& name) { return channel_url(name, bench.channel_settings()); };
    request.allow_missing_sha256 = bench.settings().allow_missing_hashes;
    const auto& priority = intent.spec().channel_priority;
    solve::ChannelCandidates candidates(
        std::move(sources),
        priority.empty() ? solve::ChannelPriority::Strict : value_or_throw(solve::parse_channel_priority(priority)));
    return earlier ? solve_from(*earlier, std::move(request), candidates, bench.cancel())
                   : solve::solve(request, candidates, bench.cancel());
}

// What kept a package from being another, since it stands in no file of the environment.
void tell_pins(const spec::EnvironmentSpec& spec, const std::vector<conda::PackageRecord>& packages,
               Reporter& reporter) {
    for (const auto& pin : spec.pins) {
        if (std::ranges::find(packages, pin.spec.name(), &conda::PackageRecord::name) != packages.end())
            reporter.note(fmt::format("{} is pinned: {} ({})", pin.spec.name(), pin.spec.to_string(), pin.origin));
        else if (pin.origin == "--pin")
            reporter.note(fmt::format("The pin '{}' is of no conda package in the answer", pin.spec.to_string()));
    }
}

// What the catalogue says of the base, and the base itself.
struct FoundBase {
    catalog::BaseChoice choice;
    ResolvedBase base;
};

FoundBase find_base(const Intent& intent, const catalog::BaseImageCatalog& catalog,
                    const std::shared_ptr<cache::ImageRepository>& repository, const Workbench& bench, Stages& stages,
                    Freshness freshness) {
    const auto& spec = intent.spec();
    const auto look = spec.user_managed ? Look::Not : Look::Into;
    FoundBase found{{},
                    {.name = oci::Reference(value_or_throw(oci::Repository::parse(kOwnBaseName))),
                     .repository = nullptr,
                     .origin = std::nullopt,
                     .engine_tag = {},
                     .image = {},
                     .facts = {}}};
    if (intent.own_base) {
        found.choice.reason = "of your Dockerfile";
        found.base =
            own_base(*intent.own_base, spec.platform, freshness == Freshness::Asked ? Reuse::BuiltAgain : Reuse::Kept,
                     look, repository, bench, stages);
        found.choice.image = found.base.name.to_string();
    } else {
        found.choice = value_or_throw(catalog.choose(spec));
        for (const auto& note : found.choice.notes) bench.reporter().note(note);
        found.base = stages.time("base", [&] { return resolve_base(found.choice.image, spec.platform, bench, look); });
    }
    std::vector<std::string> said;
    if (!intent.own_base) said.push_back(found.choice.reason);
    if (const auto& glibc = found.base.facts.glibc; !glibc.empty()) said.push_back("glibc " + glibc);
    bench.reporter().note(fmt::format("{}{}{}", intent.own_base ? "Base: " : "Base image ",
                                      describe_base(found.base.name),
                                      said.empty() ? "" : " (" + join(said, "; ") + ")"));
    return found;
}

// "; it is 1.2 GB less to pull", where the repository that has the base has the slimmer one too.
std::string saved_by(const std::string& slimmer, const ResolvedBase& base, const conda::Platform& platform,
                     const Workbench& bench) {
    const auto name = oci::Reference::parse(slimmer);
    if (!name || name->repository() != base.name.repository()) return "";
    const auto weight = [](const cache::Image& image) {
        std::uint64_t bytes = 0;
        for (const auto& layer : image.manifest.layers) bytes += layer.size;
        return bytes;
    };
    try {
        const auto other = cache::fetch_image(*base.repository, name->identifier(),
                                              {platform.oci_os(), platform.oci_architecture(), ""});
        if (!other || weight(*other) >= weight(base.image)) return "";
        return fmt::format("; it is {} less to pull", human_bytes(weight(base.image) - weight(*other)));
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::Cancelled) throw;
        bench.reporter().debug(fmt::format("{}: {}", slimmer, error.message()));
        return "";
    }
}

// All of a lock that is known before anything is solved.
lock::Lock begin_lock(const Intent& intent, const FoundBase& found, const catalog::BaseImageCatalog& catalog,
                      const Workbench& bench) {
    const auto& spec = intent.spec();
    lock::Lock lock;
    lock.platform = spec.platform;
    if (const auto folder = std::filesystem::path(intent.read.file).parent_path(); !folder.empty())
        lock.source_directory = folder;
    lock.base = locked_base(found.base, found.choice);
    lock.gpu = spec.gpu.wanted;
    lock.user_managed = spec.user_managed;
    lock.variables = spec.variables;
    lock.extra_steps = spec.extra_steps;
    lock.spec_hash = intent.hash.hex();
    lock.intent = spec.canonical().canonical();
    lock.source_date_epoch = source_date_epoch(bench.env());
    lock.template_digest = dockerfile::Templates::load(bench.settings().share_dir / "templates").digest().hex();
    for (const auto& channel : spec.channels) lock.channels.push_back(channel.url().to_string());
    for (const auto& asked : spec.conda) lock.requested.push_back(asked.canonical(asked.channel()));
    std::ranges::sort(lock.requested);
    if (!spec.user_managed) {
        lock.virtual_packages = value_or_throw(catalog::virtual_packages(
            {spec.platform, found.base.facts.glibc, target_cuda(spec, lock.base, catalog), spec.gpu.target_cpu},
            spec.overrides));
    }
    return lock;
}

}  // namespace

std::vector<ChannelSources> read_channels(std::span<const Intent> intents, const Workbench& bench,
                                          Freshness freshness) {
    static_cast<void>(bench.channel_settings());  // read once, before there are several who want them
    std::vector<ChannelSources> channels(intents.size());
    parallel_for(intents.size(), intents.size(), [&](std::size_t i) {
        if (!intents[i].spec().user_managed) channels[i] = channels_of_intent(intents[i], bench, freshness);
    });
    return channels;
}

Resolution resolve(const Intent& intent, const std::shared_ptr<cache::ImageRepository>& repository,
                   const Workbench& bench, Stages& stages, ResolveOptions options) {
    const auto& spec = intent.spec();
    const auto& earlier = options.earlier;
    if (!spec.user_managed && !spec.pip.empty()) check_pip_lines(spec);
    const auto catalog = catalog::BaseImageCatalog::load(bench.settings().share_dir / "curated");
    auto found = find_base(intent, catalog, repository, bench, stages, options.freshness);
    auto lock = begin_lock(intent, found, catalog, bench);
    warn_of_newer_base(lock.base, intent.spec().gpu.target_cuda, bench.reporter());
    if (lock.user_managed) return {std::move(lock), std::move(found.base)};

    auto sources = options.channels
                       ? *std::move(options.channels)
                       : stages.time("repodata", [&] { return channels_of_intent(intent, bench, options.freshness); });
    auto solution = stages.time("solve", [&] {
        const auto progress = bench.reporter().start("Resolving", Reporter::Unit::Items, 0);
        return solve_conda(intent, lock, std::move(sources), bench, earlier);
    });
    for (const auto& note : solution.notes) bench.reporter().note(note);
    tell_pins(spec, solution.packages, bench.reporter());
    lock.conda = std::move(solution.packages);
    pin_hashes(lock.conda, bench);
    for (const auto& record : lock.conda) {
        if (record.name == "python") lock.python_version = record.version.to_string();
    }
    bench.reporter().note(fmt::format("Resolved {} conda package{}{}", lock.conda.size(),
                                      lock.conda.size() == 1 ? "" : "s", earlier ? kept_of(lock, *earlier) : ""));

    if (!spec.pip.empty()) {
        stages.time("pip", [&] {
            choose_pip(intent, found.base, lock, bench, stages, earlier, options.freshness == Freshness::Asked);
        });
        const auto tools = std::ranges::count_if(lock.pip, &lock::PipPackage::build_only);
        const auto files = std::ssize(lock.pip) - tools;
        bench.reporter().note(
            fmt::format("Resolved {} pip package{}{}", files, files == 1 ? "" : "s",
                        tools == 0 ? "" : fmt::format(", and {} to build those that are no wheels", tools)));
    }
    if (const auto advice = catalog.advice(found.choice, named_versions(lock)))
        bench.reporter().note(advice->text + saved_by(advice->slimmer, found.base, spec.platform, bench));
    return {std::move(lock), std::move(found.base)};
}

ResolvedBase base_of(const lock::Lock& lock, const std::shared_ptr<cache::ImageRepository>& repository,
                     const Workbench& bench) {
    const auto look = lock.user_managed ? Look::Not : Look::Into;
    const auto name = value_or_throw(oci::Reference::parse(lock.base.name));
    if (name.repository().to_string() == kOwnBaseName) {
        return find_own_base(lock.base.digest, lock.platform, look, repository, bench);
    }
    return resolve_base(name.with_digest(lock.base.digest).to_string(), lock.platform, bench, look);
}

std::int64_t source_date_epoch(const ProcessEnv& env) {
    const auto text = env.get_nonempty("SOURCE_DATE_EPOCH");
    if (!text) return lock::Lock().source_date_epoch;
    std::int64_t seconds = 0;
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), seconds);
    if (error != std::errc{} || end != text->data() + text->size() || seconds < 0) {
        throw Error(ErrorKind::InvalidInput,
                    fmt::format("SOURCE_DATE_EPOCH is a number of seconds since 1970, not '{}'", *text));
    }
    return seconds;
}

}  // namespace envbuild::build
