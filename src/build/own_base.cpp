#include "build/own_base.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <iterator>
#include <set>

#include "base/fs.hpp"
#include "base/parallel.hpp"
#include "build/build_log.hpp"
#include "build/context_body.hpp"
#include "build/docker_builder.hpp"
#include "cache/lookup.hpp"
#include "cache/single_flight.hpp"
#include "dockerfile/from_images.hpp"

namespace envbuild::build {

namespace {

constexpr std::string_view kKeyAnnotation = "dev.envbuild.own-base";
constexpr std::size_t kUploads = 4;

std::string key_of(const OwnContext& context, const conda::Platform& platform) {
    Json json = Json::object();
    json.set("kind", "envbuild.own-base").set("v", 1);
    json.set("context", context.key.context_digest).set("dockerfile", context.key.dockerfile);
    return sha256(json.set("platform", platform.to_string()).canonical()).hex();
}

std::string engine_tag(const std::string& key) {
    return "envbuild:base-" + key.substr(0, 16);
}

class OwnBaseBuild {
  public:
    OwnBaseBuild(const OwnContext& context, const conda::Platform& platform,
                 std::shared_ptr<cache::ImageRepository> repository, const Workbench& bench, Stages& stages)
        : context_(context),
          platform_(platform),
          bench_(bench),
          stages_(stages),
          repository_(std::move(repository)),
          key_(key_of(context, platform)) {}

    ResolvedBase run(Reuse reuse) {
        reuse_ = reuse;
        if (reuse == Reuse::Kept) {
            if (auto found = find()) return std::move(*found);
        }
        // Other intents on this host may stand on the same Dockerfile.
        const cache::SingleFlight flight(bench_.cache_folder("flight"), bench_.cancel(), bench_.reporter());
        auto lead = flight.lead(sha256("own-base " + key_ + " " + repository_->name()).hex(), context_.key.dockerfile);
        try {
            if (lead.waited() && reuse == Reuse::Kept) {
                if (auto found = find()) return std::move(*found);
            }
            return make();
        } catch (const Error& error) {
            lead.fail(error);
            throw;
        }
    }

  private:
    ResolvedBase make() {
        const auto engine = connect_engine(bench_);
        bench_.reporter().note(fmt::format("Building the base image of {}", context_.key.dockerfile));
        const auto id = stages_.time("own_base", [&] { return build(*engine); });
        check_unchanged();
        std::vector<layer::KnownLayer> known;
        for (const auto& base : from_) std::ranges::copy(known_layers(base), std::back_inserter(known));
        const auto image = export_image(*engine, id, std::move(known), bench_, stages_);
        stages_.time("publish", [&] { publish(image); });
        if (auto found = find()) return std::move(*found);
        throw Error(ErrorKind::Corrupt,
                    fmt::format("{} does not have the base image that was just put there", repository_->name()));
    }

    // What was sent must be what was hashed: else everybody would get the later files for the earlier key.
    void check_unchanged() const {
        const auto now = context_.digest_now(bench_);
        if (now == context_.key.context_digest) return;
        throw Error(ErrorKind::InvalidInput, "the build context changed while it was built from")
            .with_hint("run it again once its files stay as they are");
    }

    [[nodiscard]] std::string tag() const { return "base-" + key_; }

    std::optional<ResolvedBase> find() const {
        const auto raw = repository_->get_manifest(tag());
        if (!raw) return std::nullopt;
        const auto manifest = oci::Manifest::parse(raw->bytes);
        // A tag alone proves nothing.
        if (!manifest) return std::nullopt;
        const auto said = manifest->annotations.find(std::string(kKeyAnnotation));
        if (said == manifest->annotations.end() || said->second != key_) return std::nullopt;
        // One that lost a layer is made again.
        if (!cache::missing_blobs(*repository_, raw->descriptor).empty()) return std::nullopt;
        auto base = find_own_base(raw->descriptor.digest, platform_, Look::Not, repository_, bench_);
        base.engine_tag = engine_tag(key_);
        return base;
    }

    // FROM is pinned to what the registries (mirrors first) say now; what they do not have is left to the engine.
    std::string pinned_dockerfile(std::string text, docker::Engine& engine) {
        auto images = dockerfile::from_images(text);
        std::ranges::reverse(images);  // from the back, so that offsets stay true
        for (const auto& image : images) {
            try {
                auto base = resolve_base(image.reference, platform_, bench_);
                ensure_image(base.pull_reference(), *base.origin, engine, bench_);
                text.replace(image.offset, image.length, base.pull_reference());
                from_.push_back(std::move(base));
            } catch (const Error& error) {
                if (error.kind() == ErrorKind::Cancelled || error.kind() == ErrorKind::Unauthorized) throw;
                bench_.reporter().debug(
                    fmt::format("FROM {} is left to the engine: {}", image.reference, error.message()));
            }
        }
        return text;
    }

    std::string build(docker::Engine& engine) {
        auto files = context_.files(bench_);
        const auto dockerfile = std::ranges::find(files, context_.key.dockerfile, &layer::ContextFile::path);
        if (dockerfile == files.end()) {
            throw Error(ErrorKind::NotFound, fmt::format("the build context has no {}", context_.key.dockerfile));
        }
        if (!dockerfile->file.empty()) dockerfile->bytes = read_file(dockerfile->file);
        dockerfile->file.clear();
        dockerfile->bytes = pinned_dockerfile(std::move(dockerfile->bytes), engine);

        docker::BuildRequest request;
        request.context = std::make_shared<ContextBody>(std::move(files));
        request.dockerfile = context_.key.dockerfile;
        request.tags = {engine_tag(key_)};
        request.network_mode = bench_.settings().pip_network;
        request.no_cache = reuse_ == Reuse::BuiltAgain;
        request.builder = wanted_builder(bench_.settings(), engine);
        BuildLog log(bench_.cache_folder("logs"), key_, bench_.reporter());
        return log.follow([&](const docker::OnBuildEvent& on_event) { return engine.build(request, on_event); })
            .image_id.to_string();
    }

    void publish(const EngineImage& image) {
        oci::Manifest manifest;
        const auto config = value_or_throw(oci::ImageConfig::parse(image.exported.config));
        manifest.config = config.descriptor();
        manifest.annotations[std::string(kKeyAnnotation)] = key_;
        std::vector<std::function<void()>> uploads;
        const auto progress = bench_.reporter().start("Publishing the base image", Reporter::Unit::Bytes, 0);
        std::set<Digest> seen;
        for (const auto& layer : image.exported.layers) {
            if (layer.compressed) {
                manifest.layers.push_back(layer.compressed->descriptor);
                if (!seen.insert(layer.compressed->descriptor.digest).second) continue;
                uploads.emplace_back([&, layer] {
                    repository_->put_blob(layer.compressed->descriptor, *oci::file_source(layer.compressed->path),
                                          std::nullopt, progress.get());
                });
            } else {
                const auto& [base, descriptor] = layer_of(layer.diff_id);
                manifest.layers.push_back(descriptor);
                if (!seen.insert(descriptor.digest).second) continue;
                uploads.emplace_back([&, base = base, descriptor = descriptor] {
                    repository_->put_blob(descriptor, *cache::repository_source(*base->repository, descriptor),
                                          base->origin, progress.get());
                });
            }
        }
        parallel_for(uploads.size(), kUploads, [&](std::size_t i) { uploads[i](); });
        repository_->put_blob(manifest.config, *oci::bytes_source(config.bytes()), std::nullopt, progress.get());
        // The first build of a key stays the answer, also where another host was faster.
        if (reuse_ == Reuse::Kept && find()) return;
        repository_->put_manifest(manifest.to_bytes(), oci::media_type::kManifest, tag());
    }

    [[nodiscard]] std::pair<const ResolvedBase*, oci::Descriptor> layer_of(const Digest& diff_id) const {
        for (const auto& base : from_) {
            for (std::size_t i = 0; i < base.facts.layers.size(); ++i) {
                if (base.facts.layers[i].diff_id != diff_id) continue;
                auto descriptor = base.image.manifest.layers.at(i);
                descriptor.annotations.clear();
                return {&base, descriptor};
            }
        }
        throw Error(ErrorKind::Bug, fmt::format("layer {} is of no known image", diff_id.to_string()));
    }

    const OwnContext& context_;
    const conda::Platform& platform_;
    const Workbench& bench_;
    Stages& stages_;
    std::shared_ptr<cache::ImageRepository> repository_;
    std::string key_;
    Reuse reuse_ = Reuse::Kept;
    std::vector<ResolvedBase> from_;
};

}  // namespace

std::string describe_base(const oci::Reference& name) {
    return name.repository().to_string() == kOwnBaseName ? "the Dockerfile's image" : name.familiar();
}

std::vector<layer::ContextFile> context_files(const spec::ContextTree& tree) {
    using From = spec::ContextEntry::Kind;
    using To = layer::ContextFile::Kind;
    std::vector<layer::ContextFile> files;
    for (const auto& entry : tree.entries) {
        const auto kind = entry.kind == From::Link ? To::Symlink : entry.kind == From::Folder ? To::Folder : To::File;
        files.push_back({.path = entry.path,
                         .bytes = kind == To::Symlink ? entry.target : std::string(),
                         .file = kind == To::File ? entry.source : std::filesystem::path(),
                         .mode = entry.mode,
                         .kind = kind});
    }
    return files;
}

ResolvedBase own_base(const OwnContext& context, const conda::Platform& platform, Reuse reuse, Look look,
                      const std::shared_ptr<cache::ImageRepository>& repository, const Workbench& bench,
                      Stages& stages) {
    auto base = OwnBaseBuild(context, platform, repository, bench, stages).run(reuse);
    if (look == Look::Into) look_into(base, bench);
    return base;
}

ResolvedBase find_own_base(const Digest& digest, const conda::Platform& platform, Look look,
                           const std::shared_ptr<cache::ImageRepository>& repository, const Workbench& bench) {
    auto image =
        cache::fetch_image(*repository, digest.to_string(), {platform.oci_os(), platform.oci_architecture(), ""});
    if (!image) {
        throw Error(ErrorKind::NotFound, fmt::format("{} does not hold the base image {}, which an own Dockerfile made",
                                                     repository->name(), digest.to_string()))
            .with_hint("name the repository in which it was built with --registry, or build the environment again");
    }
    ResolvedBase base{.name = oci::Reference(value_or_throw(oci::Repository::parse(kOwnBaseName))),
                      .repository = repository,
                      .origin = std::nullopt,
                      .engine_tag = "envbuild:base-" + digest.hex().substr(0, 16),
                      .image = std::move(*image),
                      .facts = {}};
    if (const auto origin = oci::Repository::parse(repository->name())) base.origin = *origin;
    if (look == Look::Into) look_into(base, bench);
    return base;
}

}  // namespace envbuild::build
