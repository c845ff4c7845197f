#include "build/docker_builder.hpp"

#include <fmt/format.h>

#include <cctype>
#include <chrono>

#include "base/strings.hpp"
#include "build/build_log.hpp"
#include "build/context_body.hpp"

namespace envbuild::build {

namespace {

docker::Builder wanted_builder(const Settings& settings) {
    if (settings.builder == "buildkit") return docker::Builder::BuildKit;
    if (settings.builder == "classic") return docker::Builder::Classic;
    return docker::Builder::Auto;
}

std::optional<docker::RegistryAuth> engine_auth(const oci::Repository& repository, const Workbench& bench) {
    const auto found = registry::DockerConfig::load(bench.env()).find(repository.domain(), bench.cancel());
    if (!found) return std::nullopt;
    return docker::RegistryAuth{repository.domain(), {found->user, found->password}, found->identity_token};
}

// The base is pulled before the build: BuildKit takes no credential for FROM without a session.
void ensure_base(const BuildPlan& plan, docker::Engine& engine, const Workbench& bench) {
    const auto reference = plan.base.pull_reference();
    if (engine.find_image(reference)) return;
    const auto auth = engine_auth(plan.base.source, bench);
    engine.pull(reference, auth ? &*auth : nullptr, bench.reporter());
}

}  // namespace

std::unique_ptr<docker::Engine> DockerBuilder::connect() const {
    const auto& configured = bench_.settings().docker_host;
    auto endpoint = configured.empty() ? docker::Endpoint::from_env(bench_.env())
                                       : value_or_throw(docker::Endpoint::parse(configured));
    auto engine =
        std::make_unique<docker::Engine>(std::move(endpoint), HttpSettings::from_env(bench_.env()), bench_.cancel());
    engine->negotiate();
    return engine;
}

std::string DockerBuilder::build_only(const BuildPlan& plan, const std::string& tag, docker::Engine& engine,
                                      Stages& stages) const {
    return stages.time("build", [&] {
        ensure_base(plan, engine, bench_);
        const auto wanted = wanted_builder(bench_.settings());
        const bool buildkit =
            wanted == docker::Builder::BuildKit || (wanted == docker::Builder::Auto && engine.negotiate().buildkit);
        docker::BuildRequest request;
        request.context = std::make_shared<ContextBody>(render_context(plan, bench_.settings(), buildkit).files);
        request.tags = {tag};
        request.builder = buildkit ? docker::Builder::BuildKit : docker::Builder::Classic;
        BuildLog log(bench_.cache_folder("logs"), plan.hash.hex(), bench_.reporter());
        try {
            auto result = engine.build(request, [&](const docker::BuildEvent& event) { log.add(event); });
            return result.image_id.to_string();
        } catch (const Error& error) {
            if (error.kind() != ErrorKind::BuildFailed) throw;
            throw Error(error).with_hint(fmt::format("the whole log is in {}", log.path().string()));
        }
    });
}

EngineImage DockerBuilder::build(const BuildPlan& plan, const std::string& tag, const std::vector<std::string>& further,
                                 Stages& stages) const {
    const auto engine = connect();
    EngineImage image;
    image.id = build_only(plan, tag, *engine, stages);
    for (const auto& name : further) engine->tag_image(image.id, "envbuild", name);

    stages.time("export", [&] {
        image.folder = std::make_shared<TempDir>("layers", bench_.cache_folder("tmp"));
        layer::ExportOptions options;
        const auto& blobs = plan.base.image.manifest.layers;
        for (std::size_t i = 0; i < blobs.size(); ++i) {
            const auto& facts = plan.base.facts.layers.at(i);
            options.known.push_back({facts.diff_id, facts.uncompressed_size, blobs[i].digest});
        }
        options.directory = image.folder->path();
        options.codec.level = bench_.settings().compression_level.front() - '0';
        const auto progress = bench_.reporter().start("Compressing the new layer", Reporter::Unit::Bytes, 0);
        image.exported = layer::read_docker_export(options, [&](layer::DockerExportReader& reader) {
            engine->export_image(image.id, [&](std::string_view bytes) {
                progress->advance(bytes.size());
                reader.feed(bytes);
            });
        });
    });
    return image;
}

}  // namespace envbuild::build
