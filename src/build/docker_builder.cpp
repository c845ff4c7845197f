#include "build/docker_builder.hpp"

#include <fmt/format.h>

#include <chrono>
#include <set>

#include "build/build_log.hpp"
#include "build/context_body.hpp"

namespace envbuild::build {

namespace {

std::optional<docker::RegistryAuth> engine_auth(const oci::Repository& repository, const Workbench& bench) {
    const auto found = bench.docker_config().find(repository.domain(), bench.cancel());
    if (!found) return std::nullopt;
    return docker::RegistryAuth{repository.domain(), {found->user, found->password}, found->identity_token};
}

// An image of an OCI image layout as `docker load` takes it (docker image spec v1.2): config, layers as they are,
// manifest.json.
std::shared_ptr<BodySource> docker_archive(const ResolvedBase& base) {
    std::vector<layer::ContextFile> files;
    const auto config = base.image.manifest.config.digest.hex() + ".json";
    files.push_back({.path = config, .bytes = base.image.config.bytes(), .file = {}});
    Json layers = Json::array();
    std::set<std::string> seen;
    for (const auto& layer : base.image.manifest.layers) {
        const auto path = layer.digest.hex() + ".tar";
        layers.push(path);
        const auto file = base.repository->blob_file(layer);
        if (!file) throw Error(ErrorKind::Bug, fmt::format("{} is not on this disk", layer.digest.to_string()));
        if (seen.insert(path).second) files.push_back({.path = path, .bytes = {}, .file = *file});
    }
    Json entry = Json::object();
    entry.set("Config", config).set("RepoTags", Json(std::vector{base.engine_tag})).set("Layers", std::move(layers));
    files.push_back({.path = "manifest.json", .bytes = Json::array().push(std::move(entry)).dump(), .file = {}});
    return std::make_shared<ContextBody>(std::move(files));
}

// What a killed run left there: no build takes a day.
void sweep(const std::filesystem::path& folder) {
    constexpr auto kOld = std::chrono::hours(24);
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
        const auto changed = entry.last_write_time(ignored);
        if (!ignored && std::filesystem::file_time_type::clock::now() - changed > kOld)
            std::filesystem::remove_all(entry.path(), ignored);
    }
}

// What FROM says, once the engine has it.
std::string ensure_base(const ResolvedBase& base, docker::Engine& engine, const Workbench& bench) {
    if (!base.engine_tag.empty()) {
        const auto there = engine.find_image(base.engine_tag);
        if (there && there->diff_ids == base.image.config.diff_ids()) return base.engine_tag;
        if (!base.origin) {
            engine.load_images(docker_archive(base));
            return base.engine_tag;
        }
    }
    ensure_image(base.pull_reference(), *base.origin, engine, bench);
    return base.pull_reference();
}

}  // namespace

docker::Builder wanted_builder(const Settings& settings, docker::Engine& engine) {
    if (settings.builder == "buildkit") return docker::Builder::BuildKit;
    if (settings.builder == "classic") return docker::Builder::Classic;
    return engine.negotiate().buildkit ? docker::Builder::BuildKit : docker::Builder::Classic;
}

void ensure_image(const std::string& reference, const oci::Repository& repository, docker::Engine& engine,
                  const Workbench& bench) {
    if (engine.find_image(reference)) return;
    const auto auth = engine_auth(repository, bench);
    engine.pull(reference, auth ? &*auth : nullptr, bench.reporter());
}

std::unique_ptr<docker::Engine> connect_engine(const Workbench& bench) {
    const auto& configured = bench.settings().docker_host;
    auto endpoint = configured.empty() ? docker::Endpoint::from_env(bench.env())
                                       : value_or_throw(docker::Endpoint::parse(configured));
    auto engine =
        std::make_unique<docker::Engine>(std::move(endpoint), HttpSettings::from_env(bench.env()), bench.cancel());
    engine->negotiate();
    return engine;
}

std::vector<layer::KnownLayer> known_layers(const ResolvedBase& base) {
    std::vector<layer::KnownLayer> known;
    const auto& blobs = base.image.manifest.layers;
    for (std::size_t i = 0; i < blobs.size(); ++i) {
        const auto& facts = base.facts.layers.at(i);
        known.push_back({facts.diff_id, facts.uncompressed_size, blobs[i].digest});
    }
    return known;
}

EngineImage export_image(docker::Engine& engine, const std::string& id, std::vector<layer::KnownLayer> known,
                         const Workbench& bench, Stages& stages) {
    return stages.time("export", [&] {
        sweep(bench.cache_folder("tmp"));
        EngineImage image;
        image.id = id;
        image.folder = std::make_shared<TempDir>("layers", bench.cache_folder("tmp"));
        layer::ExportOptions options;
        options.known = std::move(known);
        options.directory = image.folder->path();
        options.codec.level = bench.settings().compression_level.front() - '0';
        const auto progress = bench.reporter().start("Compressing the new layer", Reporter::Unit::Bytes, 0);
        image.exported = layer::read_docker_export(options, [&](layer::DockerExportReader& reader) {
            engine.export_image(id, [&](std::string_view bytes) {
                progress->advance(bytes.size());
                reader.feed(bytes);
            });
        });
        return image;
    });
}

std::unique_ptr<docker::Engine> DockerBuilder::connect() const {
    auto engine = connect_engine(bench_);
    engine->remove_orphans();
    return engine;
}

std::string DockerBuilder::build_only(const BuildPlan& plan, const std::string& tag, docker::Engine& engine,
                                      Stages& stages, EngineCache cache) const {
    return stages.time("build", [&] {
        const auto from = ensure_base(plan.base, engine, bench_);
        docker::BuildRequest request;
        request.builder = wanted_builder(bench_.settings(), engine);
        const bool buildkit = request.builder == docker::Builder::BuildKit;
        request.context = std::make_shared<ContextBody>(render_context(plan, bench_.settings(), buildkit, from).files);
        request.tags = {tag};
        request.no_cache = cache == EngineCache::Ignore;
        BuildLog log(bench_.cache_folder("logs"), plan.hash.hex(), bench_.reporter());
        return log.follow([&](const docker::OnBuildEvent& on_event) { return engine.build(request, on_event); })
            .image_id.to_string();
    });
}

EngineImage DockerBuilder::build(const BuildPlan& plan, const std::string& tag, const std::vector<std::string>& further,
                                 EngineCache cache, Stages& stages) const {
    const auto engine = connect_engine(bench_);
    const auto id = build_only(plan, tag, *engine, stages, cache);
    for (const auto& name : further) engine->tag_image(id, "envbuild", name);
    return export_image(*engine, id, known_layers(plan.base), bench_, stages);
}

}  // namespace envbuild::build
