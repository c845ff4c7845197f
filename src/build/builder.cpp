#include "build/builder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "base/strings.hpp"
#include "build/docker_builder.hpp"
#include "build/plan.hpp"
#include "cache/publish.hpp"
#include "cache/single_flight.hpp"
#include "dockerfile/templates.hpp"

namespace envbuild::build {

namespace {

Digest digest_of(const std::string& hex) {
    return value_or_throw(Digest::from_hex(hex));
}

// The hint of the error itself comes first: it says what would mend it.
Error unanswered(Error error) {
    const std::string hint =
        "whether this environment is built already could not be found out, so nothing was started; --no-push builds it "
        "here without asking the registry";
    return std::move(error).with_hint(error.hint().empty() ? hint : error.hint() + "\n" + hint);
}

// The hit, or nothing for a miss; what is unknown ends the run.
std::optional<cache::Hit> hit_or_throw(cache::LookupResult result, const Workbench& bench) {
    if (auto* unknown = std::get_if<cache::Unknown>(&result)) throw unanswered(std::move(unknown->error));
    if (const auto* miss = std::get_if<cache::Miss>(&result)) {
        if (!miss->warning.empty()) bench.reporter().warn(miss->warning);
        return std::nullopt;
    }
    return std::get<cache::Hit>(std::move(result));
}

constexpr const char* kBaseName = "org.opencontainers.image.base.name";
constexpr const char* kBaseDigest = "org.opencontainers.image.base.digest";
constexpr const char* kPackages = "dev.envbuild.packages";
constexpr const char* kBackend = "dev.envbuild.backend";
constexpr const char* kPython = "dev.envbuild.python";
constexpr const char* kNoPython = "none";

// What a hit can say of the image without asking for more than its pointer.
oci::Annotations image_facts(const lock::Lock& lock, const std::map<std::string, std::string>& labels,
                             std::string_view backend) {
    oci::Annotations facts(labels.begin(), labels.end());
    facts[kPackages] =
        std::to_string(std::ssize(lock.conda) + std::ranges::count(lock.pip, false, &lock::PipPackage::build_only));
    facts[kBackend] = backend;
    facts[kPython] = lock.python_version.empty() ? kNoPython : lock.python_version;
    return facts;
}

// The same image with these variables and labels over its own.
oci::ImageConfig with_environment(const oci::ImageConfig& base, const std::map<std::string, std::string>& variables,
                                  const std::map<std::string, std::string>& labels) {
    std::vector<std::string> env;
    for (const auto& entry : base.env()) {
        if (!variables.contains(entry.substr(0, entry.find('=')))) env.push_back(entry);
    }
    for (const auto& [name, value] : variables) env.push_back(name + "=" + value);
    auto all = base.labels();
    for (const auto& [name, value] : labels) all[name] = value;
    Json label_json = Json::object();
    for (const auto& [name, value] : all) label_json.set(name, value);

    Json run = base.json()["config"].is_object() ? base.json()["config"] : Json::object();
    run.set("Env", Json(env)).set("Labels", std::move(label_json));
    Json config = base.json();
    config.set("config", std::move(run));
    return oci::ImageConfig::from_json(config);
}

std::string engine_tag(const std::string& lock_hash) {
    return "envbuild:lock-" + lock_hash.substr(0, 16);
}

// What one build has in hand: where the answer goes, what was asked, how long each stage took.
class Run {
  public:
    Run(const BuildOptions& options, const Workbench& bench)
        : options_(options),
          bench_(bench),
          repository_(options.no_push ? bench.embedded_repository() : bench.repository()),
          local_(options.no_push || bench.settings().registry.empty() ||
                 bench.settings().registry.starts_with("oci:")) {
        cache::check_tags(options.tags);
    }

    BuildAnswer environment(const Intent& intent) {
        spec_hash_ = intent.hash.hex();
        gpu_ = intent.spec().gpu.wanted;
        run_ = intent.run;
        const bool ask = !options_.refresh && !options_.rebuild;
        if (auto hit = ask ? look_up() : std::nullopt) return tagged(*hit);
        if (!ask) stages_.time("lookup", [&] { ensure_reachable(); });

        const cache::SingleFlight flight(bench_.cache_folder("flight"), bench_.cancel(), bench_.reporter());
        auto lead = flight.lead(flight_key(spec_hash_), intent.read.file);
        try {
            if (lead.waited() && ask) {
                if (auto hit = look_up()) return tagged(*hit);
            }
            const auto resolution = resolve(intent, repository_, bench_, stages_,
                                            {.freshness = ask ? Freshness::Cached : Freshness::Asked});
            return build(resolution.lock, resolution.base);
        } catch (const Error& error) {
            lead.fail(error);
            throw;
        }
    }

    BuildAnswer locked(const lock::Lock& asked) {
        const auto lock = with_present_templates(asked, bench_);
        gpu_ = lock.gpu;
        const auto key = lock.hash().hex();
        // What was built from the templates that the lock was made with is exactly it, and so is what today's give.
        const auto find = [&]() -> std::optional<cache::Hit> {
            for (const auto& hash : {asked.hash().hex(), key}) {
                if (auto hit = hit_or_throw(cache::lookup_lock(*repository_, digest_of(hash)), bench_)) return hit;
                if (hash == key) break;
            }
            return std::nullopt;
        };
        if (!options_.rebuild) {
            if (auto hit = stages_.time("lookup", find)) return tagged(*hit);
        }
        const cache::SingleFlight flight(bench_.cache_folder("flight"), bench_.cancel(), bench_.reporter());
        auto lead = flight.lead(flight_key(key), "lock-" + key.substr(0, 16));
        try {
            if (lead.waited() && !options_.rebuild) {
                if (auto hit = stages_.time("lookup", find)) return tagged(*hit);
            }
            const auto base = stages_.time("base", [&] { return base_of(lock, repository_, bench_); });
            return build(lock, base);
        } catch (const Error& error) {
            lead.fail(error);
            throw;
        }
    }

  private:
    // What was there already is the answer, under the names that the user asked for too.
    BuildAnswer tagged(const cache::Hit& hit) {
        if (!options_.tags.empty()) stages_.time("publish", [&] { cache::put_tags(*repository_, options_.tags, hit); });
        return answer(hit, true);
    }

    std::optional<cache::Hit> look_up() {
        return stages_.time("lookup",
                            [&] { return hit_or_throw(cache::lookup(*repository_, digest_of(spec_hash_)), bench_); });
    }

    // The same intent for another registry is another flight: what one cannot push must not reach the other.
    [[nodiscard]] std::string flight_key(const std::string& hash) const {
        return sha256(hash + " " + repository_->name()).hex();
    }

    // --refresh and --rebuild ask nothing that an answer could come of, yet must not work for an hour to find the
    // registry down.
    void ensure_reachable() {
        auto result = cache::lookup(*repository_, digest_of(spec_hash_));
        if (auto* unknown = std::get_if<cache::Unknown>(&result)) throw unanswered(std::move(unknown->error));
    }

    [[nodiscard]] cache::MovePolicy policy() const {
        if (options_.rebuild) return cache::MovePolicy::Rebuild;
        return options_.refresh ? cache::MovePolicy::Refresh : cache::MovePolicy::Keep;
    }

    BuildAnswer build(const lock::Lock& lock, const ResolvedBase& base) {
        const auto lock_hash = lock.hash();
        if (!options_.rebuild && !spec_hash_.empty()) {
            // Another intent may have led to the same lock: its image is the answer, once each of its blobs is seen to
            // be there.
            auto existing = cache::lookup_lock(*repository_, digest_of(lock_hash.hex()), cache::Check::EveryBlob);
            if (auto hit = hit_or_throw(std::move(existing), bench_)) {
                bench_.reporter().note("The image for this resolution is there already; only the pointer is new");
                const auto published = stages_.time("publish", [&] {
                    return cache::point(*repository_, digest_of(spec_hash_), *hit, policy(), bench_.reporter());
                });
                return tagged(published.answer);
            }
        }
        const auto published = lock.user_managed ? publish_base(lock, base) : build_and_publish(lock, base);
        return answer(published.answer, false);
    }

    cache::Published build_and_publish(const lock::Lock& lock, const ResolvedBase& base) {
        const auto plan = make_plan(lock, base, bench_, stages_);
        const auto image =
            DockerBuilder(bench_).build(plan, engine_tag(plan.hash.hex()), options_.tags,
                                        options_.rebuild ? EngineCache::Ignore : EngineCache::Use, stages_);
        auto request = publish_request(lock, image_facts(lock, plan.labels, "docker"),
                                       value_or_throw(oci::ImageConfig::parse(image.exported.config)));
        // By what it is and not by its place: a step may make a layer that equals one of the base's.
        const auto diff_ids = base.image.config.diff_ids();
        for (const auto& layer : image.exported.layers) {
            if (layer.compressed) {
                request.layers.push_back(
                    {layer.compressed->descriptor, oci::file_source(layer.compressed->path), std::nullopt});
            } else {
                const auto at = std::ranges::find(diff_ids, layer.diff_id) - diff_ids.begin();
                request.layers.push_back(base_layer(base, static_cast<std::size_t>(at)));
            }
        }
        return stages_.time("publish", [&] { return cache::publish(*repository_, request, bench_.reporter()); });
    }

    // Nothing is installed on it, so that no engine is needed: its layers with a config that says the variables.
    cache::Published publish_base(const lock::Lock& lock, const ResolvedBase& base) {
        const auto labels = dockerfile::standard_labels(base.name.without_digest().to_string(),
                                                        base.image.descriptor.digest, lock.hash().hex());
        auto request = publish_request(lock, image_facts(lock, labels, "none"),
                                       with_environment(base.image.config, lock.variables, labels));
        for (std::size_t i = 0; i < base.image.manifest.layers.size(); ++i)
            request.layers.push_back(base_layer(base, i));
        return stages_.time("publish", [&] { return cache::publish(*repository_, request, bench_.reporter()); });
    }

    [[nodiscard]] static cache::PublishLayer base_layer(const ResolvedBase& base, std::size_t index) {
        const auto& descriptor = base.image.manifest.layers.at(index);
        return {descriptor, cache::repository_source(*base.repository, descriptor), base.origin};
    }

    [[nodiscard]] cache::PublishRequest publish_request(const lock::Lock& lock, oci::Annotations annotations,
                                                        oci::ImageConfig config) const {
        cache::PublishRequest request{.lock_hash = digest_of(lock.hash().hex()),
                                      .spec_hash = std::nullopt,
                                      .config = std::move(config),
                                      .layers = {},
                                      .annotations = std::move(annotations),
                                      .policy = policy(),
                                      .tags = options_.tags};
        if (!spec_hash_.empty()) request.spec_hash = digest_of(spec_hash_);
        return request;
    }

    BuildAnswer answer(const cache::Hit& hit, bool was_there) {
        BuildAnswer result;
        result.spec_hash = spec_hash_;
        result.lock_hash = hit.lock_hash.hex();
        result.image = hit.image;
        result.digest = hit.descriptor.digest.to_string();
        result.hit = was_there;
        const auto fact = [&](const char* key) {
            const auto found = hit.descriptor.annotations.find(key);
            return found == hit.descriptor.annotations.end() ? std::string() : found->second;
        };
        result.backend = fact(kBackend);
        if (const auto name = fact(kBaseName); !name.empty()) result.base_image = name + "@" + fact(kBaseDigest);
        if (const auto count = fact(kPackages); !count.empty())
            result.packages = std::strtoull(count.c_str(), nullptr, 10);
        result.gpu = gpu_;
        result.run = run_;
        // Images of before say nothing of it.
        if (fact(kPython) == kNoPython) result.run.command.clear();
        // Engines cannot run what lies in an OCI image layout, but a build leaves a tag in the engine. Whether it is
        // there still is not asked: a hit asks no engine.
        result.run_image = local_ ? engine_tag(result.lock_hash) : hit.image;
        if (local_ && (was_there || result.backend == "none")) {
            result.load_command =
                shell_line({"skopeo", "copy", fmt::format("{}:lock-{}", repository_->name(), result.lock_hash),
                            "docker-daemon:" + result.run_image});
        }
        result.seconds = stages_.to_json();
        return result;
    }

    const BuildOptions& options_;
    const Workbench& bench_;
    std::shared_ptr<cache::ImageRepository> repository_;
    bool local_;
    bool gpu_ = false;
    RunHints run_;
    std::string spec_hash_;
    Stages stages_;
};

}  // namespace

BuildAnswer build_environment(const Intent& intent, const BuildOptions& options, const Workbench& bench) {
    return Run(options, bench).environment(intent);
}

BuildAnswer build_lock(const lock::Lock& lock, const BuildOptions& options, const Workbench& bench) {
    return Run(options, bench).locked(lock);
}

Json BuildAnswer::to_json() const {
    const auto text_or_null = [](const std::string& text) { return text.empty() ? Json() : Json(text); };
    Json json = Json::object();
    json.set("spec_hash", text_or_null(spec_hash));
    json.set("lock_hash", lock_hash);
    json.set("image", image);
    json.set("digest", digest);
    json.set("cache", hit ? "hit" : "miss");
    json.set("backend", text_or_null(backend));
    json.set("base_image", text_or_null(base_image));
    json.set("packages", packages ? Json(static_cast<std::int64_t>(*packages)) : Json());
    json.set("seconds", seconds);
    return json;
}

std::string run_command(const BuildAnswer& answer, const Settings& settings) {
    std::vector<std::string> words{"docker", "run", "--rm", "-it"};
    if (answer.gpu) words.insert(words.end(), {"--gpus", "all"});
    const auto& shm_size = !answer.run.shm_size.empty() ? answer.run.shm_size : answer.gpu ? settings.shm_size : "";
    if (!shm_size.empty()) words.insert(words.end(), {"--shm-size", shm_size});
    words.insert(words.end(), answer.run.arguments.begin(), answer.run.arguments.end());
    words.push_back(answer.run_image);
    if (!answer.run.command.empty()) words.push_back(answer.run.command);
    return shell_line(words);
}

}  // namespace envbuild::build
