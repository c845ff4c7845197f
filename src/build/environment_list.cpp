#include "build/environment_list.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>

#include "base/parallel.hpp"
#include "base/strings.hpp"
#include "build/environment_ref.hpp"
#include "build/intent.hpp"
#include "build/name_registry.hpp"
#include "cache/lookup.hpp"
#include "catalog/base_images.hpp"
#include "catalog/curated_set.hpp"

namespace envbuild::build {

namespace {

constexpr std::size_t kLookups = 16;

// '*' and '?', in time bounded by the product of the lengths.
bool glob_matches(std::string_view pattern, std::string_view text) {
    std::size_t p = 0;
    std::size_t t = 0;
    std::size_t star = std::string_view::npos;  // the last '*', and where in the text it may take one more
    std::size_t retry = 0;
    while (t < text.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            retry = t;
        } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
            ++p;
            ++t;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            t = ++retry;
        } else {
            return false;
        }
    }
    return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

bool wanted(const std::string& pattern, const std::string& name) {
    if (pattern.empty()) return true;
    const auto wish = to_lower(pattern);
    const auto text = to_lower(name);
    return wish.find_first_of("*?") == std::string::npos ? text.find(wish) != std::string::npos
                                                         : glob_matches(wish, text);
}

class Lister {
  public:
    Lister(const ListOptions& options, const Workbench& bench)
        : options_(options),
          bench_(bench),
          catalog_(catalog::BaseImageCatalog::load(bench.settings().share_dir / "curated")) {}

    EnvironmentList list() {
        if (options_.curated) add_curated();
        if (options_.own) guarded([&] { add_own(); });
        if (options_.look_up && !list_.unreachable) guarded([&] { look_up(); });
        return std::move(list_);
    }

  private:
    // What the repository cannot answer is said once, and the rest of the list still stands.
    template <typename Ask>
    void guarded(Ask ask) {
        try {
            ask();
        } catch (const Error& error) {
            if (error.kind() == ErrorKind::Cancelled || error.kind() == ErrorKind::Bug) throw;
            list_.unreachable = error;
        }
    }

    void add_curated() {
        const auto set = catalog::load_curated(bench_.settings().share_dir / "curated/environments");
        for (const auto& fault : set.faults)
            list_.faults.push_back(fmt::format("{}: {}", fault.name, fault.error.message()));
        for (const auto& environment : set.environments) {
            if (!wanted(options_.pattern, environment.name)) continue;
            for (const auto& version : environment.versions) {
                const bool latest = &version == &environment.latest();
                if (latest || options_.all_versions) add_curated(environment, version, latest);
            }
        }
    }

    void add_curated(const catalog::CuratedEnvironment& environment, const catalog::CuratedVersion& version,
                     bool latest) {
        ListedEnvironment listed;
        listed.name = environment.name;
        listed.version = version.definition.version;
        listed.curated = true;
        listed.status = catalog::to_string(version.status);
        if (latest) listed.labels = {"latest"};
        listed.description = version.definition.description;
        listed.tags = version.definition.tags;
        FoundEnvironment found;
        found.kind = FoundEnvironment::Kind::Curated;
        found.label = environment.name + ":" + listed.version;
        found.path = environment.directory;
        found.definition = version.definition;
        try {
            const auto intent = make_intent(found, {}, bench_);
            listed.spec_hash = intent.hash.hex();
            listed.facts = environment_facts(intent.spec(), catalog_.cuda());
        } catch (const Error& error) {
            if (error.kind() == ErrorKind::Cancelled) throw;
            list_.faults.push_back(fmt::format("{}: {}", found.label, error.message()));
        }
        list_.environments.push_back(std::move(listed));
    }

    void add_own() {
        const auto repository = bench_.repository();
        const auto book = NameRegistry(*repository, bench_).read();
        for (const auto& [name, entry] : book.names()) {
            if (!wanted(options_.pattern, name) || (entry.archived && !options_.archived)) continue;
            const auto* latest = entry.latest();
            for (const auto& version : entry.versions) {
                if (version.archived && !options_.archived) continue;
                if (&version == latest || options_.all_versions || (latest == nullptr && options_.archived))
                    add_own(entry, version, &version == latest);
            }
        }
    }

    void add_own(const catalog::NameEntry& entry, const catalog::VersionEntry& version, bool latest) {
        ListedEnvironment listed;
        listed.name = entry.name;
        listed.version = version.version;
        listed.status = entry.archived || version.archived ? "archived" : "current";
        for (const auto& [label, of] : entry.labels) {
            if (of == version.version) listed.labels.push_back(label);
        }
        if (latest && !entry.labels.contains("latest")) listed.labels.emplace_back("latest");
        listed.description = version.description;
        listed.tags = version.tags;
        listed.spec_hash = version.spec_hash;
        listed.created = version.created;
        listed.author = version.author;
        const auto& facts = version.facts;
        listed.facts.python = facts.string_or("python", "");
        listed.facts.cuda = facts.string_or("cuda", "");
        listed.facts.base = facts.string_or("base", "");
        listed.facts.gpu = facts.bool_or("gpu", false);
        if (facts["frameworks"].is_array()) {
            for (const auto& framework : facts["frameworks"].as_array()) {
                if (framework.is_string()) listed.facts.frameworks.push_back(framework.as_string());
            }
        }
        list_.environments.push_back(std::move(listed));
    }

    void look_up() {
        const auto repository = bench_.repository();
        std::mutex mutex;
        std::optional<Error> failure;
        parallel_for(list_.environments.size(), kLookups, [&](std::size_t i) {
            auto& listed = list_.environments[i];
            const auto hash = Digest::from_hex(listed.spec_hash);
            if (!hash) return;
            auto result = cache::lookup(*repository, *hash);
            if (const auto* hit = std::get_if<cache::Hit>(&result)) {
                listed.built = Built::Yes;
                listed.image = hit->image;
            } else if (std::holds_alternative<cache::Miss>(result)) {
                listed.built = Built::No;
            } else {
                const std::scoped_lock lock(mutex);
                if (!failure) failure = std::get<cache::Unknown>(result).error;
            }
        });
        if (failure) throw std::move(*failure);
    }

    const ListOptions& options_;
    const Workbench& bench_;
    catalog::BaseImageCatalog catalog_;
    EnvironmentList list_;
};

}  // namespace

Json ListedEnvironment::to_json() const {
    Json json = Json::object();
    json.set("name", name).set("version", version).set("curated", curated).set("status", status);
    json.set("labels", Json(labels)).set("description", description);
    Json tag_json = Json::object();
    for (const auto& [key, value] : tags) tag_json.set(key, value);
    json.set("tags", std::move(tag_json));
    json.set("facts", build::to_json(facts));
    json.set("spec_hash", spec_hash.empty() ? Json() : Json(spec_hash));
    json.set("built", built == Built::Unknown ? Json() : Json(built == Built::Yes));
    json.set("image", image.empty() ? Json() : Json(image));
    if (!curated) json.set("created", created).set("author", author);
    return json;
}

EnvironmentList list_environments(const ListOptions& options, const Workbench& bench) {
    return Lister(options, bench).list();
}

}  // namespace envbuild::build
