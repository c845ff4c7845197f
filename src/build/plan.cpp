#include "build/plan.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/strings.hpp"
#include "build/pip_source.hpp"
#include "catalog/base_images.hpp"
#include "conda/archive.hpp"
#include "dockerfile/templates.hpp"
#include "link/activation.hpp"
#include "link/link_plan.hpp"
#include "link/wheel_plan.hpp"

namespace envbuild::build {

namespace {

std::vector<Url> wire_urls(const Url& canonical, const Workbench& bench) {
    return conda::mirrors_of(canonical, bench.channel_settings());
}

// The index named every one of them.
std::vector<std::filesystem::path> fetch_all(const std::vector<Download>& wanted, const Workbench& bench) {
    try {
        return bench.downloader().fetch(wanted, "Downloading packages");
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::NotFound || !error.hint().empty()) throw;
        throw Error(error).with_hint(
            "the channel's index names this file and its server does not have it: the index is out of date, or the "
            "mirror is not whole; try --refresh, or another mirror");
    }
}

void download(BuildPlan& plan, const Workbench& bench) {
    std::vector<Download> wanted;
    for (const auto& record : plan.lock.conda) {
        if (record.sha256 && record.sha256->empty()) {
            throw Error(
                ErrorKind::Corrupt,
                fmt::format("{}: its channel says that its sha256 is all zeros, which no file has", record.file_name))
                .with_hint("ask who runs the channel to make its index again, or name another mirror");
        }
        if (!record.sha256) throw Error(ErrorKind::Bug, fmt::format("{} is locked without sha256", record.file_name));
        wanted.push_back({record.file_name, wire_urls(record.url, bench), *record.sha256,
                          record.size > 0 ? std::optional(record.size) : std::nullopt});
    }
    for (const auto& file : plan.lock.pip) {
        std::vector<Url> urls;
        if (file.is_local() || file.is_repository()) {
            restore_source(file, plan.lock.source_directory, bench);  // from here on it is in the cache
        } else {
            urls.push_back(value_or_throw(Url::parse(file.url)));
        }
        wanted.push_back({file.file_name, std::move(urls), file.sha256, std::nullopt});
    }
    auto paths = fetch_all(wanted, bench);
    const auto conda_count = static_cast<std::ptrdiff_t>(plan.lock.conda.size());
    plan.packages.assign(paths.begin(), paths.begin() + conda_count);
    plan.pip.assign(paths.begin() + conda_count, paths.end());
}

std::string requested_spec(const lock::Lock& lock, const std::string& name) {
    for (const auto& spec : lock.requested) {
        if (spec == name || spec.starts_with(name + " ") || spec.starts_with(name + "[")) return spec;
    }
    return "";
}

link::InstallManifest install_manifest(const lock::Lock& lock) {
    link::InstallManifest manifest;
    manifest.prefix = lock.prefix;
    manifest.python_version = lock.python_version;
    manifest.source_date_epoch = lock.source_date_epoch;
    manifest.history_specs = lock.requested;
    for (const auto& record : lock.conda) {
        if (record.name == "python") manifest.site_packages = record.python_site_packages_path;
        manifest.packages.push_back({.file_name = record.file_name,
                                     .name = record.name,
                                     .version = record.version.to_string(),
                                     .build = record.build,
                                     .subdir = record.subdir,
                                     .channel = record.channel,
                                     .url = record.url.to_string(),
                                     .sha256 = *record.sha256,
                                     .md5 = record.md5,
                                     .size = record.size,
                                     .requested_spec = requested_spec(lock, record.name)});
    }
    for (const auto& file : lock.pip) {
        const link::LinkWheel wheel{.file_name = file.file_name,
                                    .sha256 = file.sha256,
                                    .name = file.name,
                                    .version = file.version,
                                    .requested = file.requested,
                                    .direct_url = direct_url(file)};
        if (file.build_only) {
            manifest.tools.push_back({file.file_name, file.sha256});
        } else if (file.is_wheel()) {
            manifest.wheels.push_back(wheel);
        } else {
            manifest.sources.push_back({wheel, file.subdirectory});
        }
    }
    return manifest;
}

// What linking will do, known before anything is built: contradictions end the run here and not in the engine.
link::LinkPlan link_plan(const BuildPlan& plan) {
    link::LinkTarget target;
    target.prefix = plan.manifest.prefix;
    target.python_version = plan.manifest.python_version;
    target.site_packages = plan.manifest.site_packages;
    target.epoch = plan.manifest.source_date_epoch;
    std::vector<link::PackageSource> sources;
    for (std::size_t i = 0; i < plan.packages.size(); ++i) {
        const auto& package = plan.manifest.packages[i];
        sources.push_back(
            {package, conda::CondaArchive::open(package.file_name, conda::ArchiveSource::from_file(plan.packages[i]))});
    }
    return link::LinkPlan::make(std::move(target), std::move(sources));
}

void check_wheels(const BuildPlan& plan, const link::LinkPlan& linked, const Workbench& bench) {
    std::vector<link::WheelSource> sources;
    for (const auto& wheel : plan.manifest.wheels) {
        const auto file = std::ranges::find(plan.lock.pip, wheel.file_name, &lock::PipPackage::file_name);
        auto bytes = conda::ArchiveSource::from_file(plan.pip[static_cast<std::size_t>(file - plan.lock.pip.begin())]);
        sources.push_back({wheel, link::WheelArchive::open(wheel.file_name, std::move(bytes))});
    }
    const auto wheels = link::WheelPlan::make(linked, std::move(sources));
    for (const auto& warning : wheels.warnings()) bench.reporter().warn(warning);
}

std::map<std::string, std::string> image_env(const BuildPlan& plan, const Workbench& bench) {
    std::map<std::string, std::string> before = plan.lock.variables;
    for (const auto& entry : plan.base.image.config.env()) {
        const auto equals = entry.find('=');
        if (equals != std::string::npos) before.emplace(entry.substr(0, equals), entry.substr(equals + 1));
    }
    const auto linked = link_plan(plan);
    for (const auto& warning : linked.warnings()) bench.reporter().warn(warning);
    check_wheels(plan, linked, bench);
    const auto activation = link::capture_activation(link::PlannedActivation(linked), plan.lock.prefix, before);
    for (const auto& warning : activation.warnings) {
        bench.reporter().warn(
            fmt::format("an activation script is not captured in the image's environment: {}", warning.to_string()));
    }
    dockerfile::EnvironmentInput input;
    input.prefix = plan.lock.prefix;
    input.base_path = plan.base.image.config.env("PATH").value_or("");
    input.activation = activation.variables;
    input.variables = plan.lock.variables;
    input.gpu = plan.lock.gpu;
    if (const auto cuda = plan.lock.virtual_packages.find("__cuda");
        plan.lock.gpu && cuda != plan.lock.virtual_packages.end()) {
        const auto catalog = catalog::BaseImageCatalog::load(bench.settings().share_dir / "curated");
        input.nvidia_require_cuda =
            catalog.cuda().nvidia_require_cuda(value_or_throw(catalog::CudaVersion::parse(cuda->second)));
    }
    return dockerfile::environment(input);
}

}  // namespace

std::filesystem::path find_installer() {
    std::error_code ignored;
    const auto folder = std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path();
    for (const auto& path : {folder / "envbuild-install", folder.parent_path() / "libexec/envbuild/envbuild-install"}) {
        if (std::filesystem::is_regular_file(path, ignored)) return path;
    }
    throw Error(ErrorKind::NotFound, fmt::format("the static installer envbuild-install is not in {} nor in {}",
                                                 folder.string(), (folder.parent_path() / "libexec/envbuild").string()))
        .with_hint("install envbuild again, or build the target envbuild_install");
}

lock::Lock with_present_templates(lock::Lock lock, const Workbench& bench) {
    const auto present = dockerfile::Templates::load(bench.settings().share_dir / "templates").digest().hex();
    if (lock.template_digest != present) {
        bench.reporter().note(
            "The Dockerfile templates have changed since this lock was made: its packages are built as locked, under a "
            "new lock hash");
        lock.template_digest = present;
    }
    return lock;
}

BuildPlan make_plan(const lock::Lock& lock, const ResolvedBase& base, const Workbench& bench, Stages& stages) {
    BuildPlan plan{.lock = lock,
                   .hash = lock.hash(),
                   .base = base,
                   .packages = {},
                   .pip = {},
                   .manifest = {},
                   .env = {},
                   .labels = {}};
    stages.time("download", [&] { download(plan, bench); });
    stages.time("plan", [&] {
        plan.manifest = install_manifest(lock);
        plan.env = image_env(plan, bench);
        plan.labels = dockerfile::standard_labels(base.name.without_digest().to_string(), base.image.descriptor.digest,
                                                  plan.hash.hex());
    });
    return plan;
}

dockerfile::Context render_context(const BuildPlan& plan, const Settings& settings, bool bind_mount,
                                   const std::string& from) {
    dockerfile::RenderInput input;
    input.base = from;
    input.prefix = plan.lock.prefix;
    input.labels = plan.labels;
    input.env = plan.env;
    input.install_json = plan.manifest.to_json().dump(1) + "\n";
    input.installer = find_installer();
    const std::string root(dockerfile::kContextRoot);
    input.install_command = {root + "/envbuild-install", "--manifest", root + "/install.json", "--packages",
                             root + "/packages"};
    for (std::size_t i = 0; i < plan.packages.size(); ++i)
        input.packages.push_back({plan.lock.conda[i].file_name, plan.packages[i]});
    for (std::size_t i = 0; i < plan.pip.size(); ++i)
        input.packages.push_back({plan.lock.pip[i].file_name, plan.pip[i]});
    input.extra_steps = plan.lock.extra_steps;
    input.bind_mount = bind_mount;
    return dockerfile::render(dockerfile::Templates::load(settings.share_dir / "templates"), input);
}

}  // namespace envbuild::build
