#include "build/environment_list.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <set>

#include "base/glob.hpp"
#include "base/parallel.hpp"
#include "base/strings.hpp"
#include "build/environment_ref.hpp"
#include "build/intent.hpp"
#include "build/published_names.hpp"
#include "cache/lookup.hpp"
#include "catalog/base_images.hpp"
#include "catalog/curated_set.hpp"
#include "spec/definition_check.hpp"

namespace envbuild::build {

namespace {

constexpr std::size_t kLookups = 16;

bool wanted(const std::string& pattern, const std::string& name) {
    if (pattern.empty()) return true;
    const auto wish = to_lower(pattern);
    const auto text = to_lower(name);
    return wish.find_first_of("*?") == std::string::npos ? text.find(wish) != std::string::npos
                                                         : glob_matches(wish, text, GlobSigns::StarAndOne);
}

// As the claim has them, of a definition that cannot be read any more.
EnvironmentFacts facts_of(const Json& claimed) {
    EnvironmentFacts facts;
    facts.python = claimed.string_or("python", "");
    facts.cuda = claimed.string_or("cuda", "");
    facts.base = claimed.string_or("base", "");
    facts.gpu = claimed.bool_or("gpu", false);
    if (claimed["frameworks"].is_array()) {
        for (const auto& framework : claimed["frameworks"].as_array()) {
            if (framework.is_string()) facts.frameworks.push_back(framework.as_string());
        }
    }
    return facts;
}

// The pattern is a part of a name, so that it is compared with the parts: "pytorch", "pytorch-1.6", "gpu".
std::vector<std::string> names_near(const std::string& pattern, const std::set<std::string>& names) {
    constexpr std::size_t kOffered = 3;
    std::string word = pattern;
    std::erase_if(word, [](char c) { return c == '*' || c == '?'; });
    if (word.empty()) return {};
    std::vector<std::string> parts;
    for (const auto& name : names) {
        std::vector<std::size_t> begins{0};
        for (std::size_t i = 0; i + 1 < name.size(); ++i) {
            if (name[i] == '-' || name[i] == '_') begins.push_back(i + 1);
        }
        for (const auto begin : begins) {
            for (auto end = begin; end != std::string::npos;) {
                end = name.find_first_of("-_", end + 1);
                parts.push_back(name.substr(begin, end == std::string::npos ? end : end - begin));
            }
        }
    }
    const auto near = nearest(word, parts);
    std::vector<std::string> offered;
    for (const auto& name : names) {
        if (!near.empty() && to_lower(name).find(to_lower(near)) != std::string::npos && offered.size() < kOffered)
            offered.push_back(name);
    }
    return offered;
}

class Lister {
  public:
    Lister(const ListOptions& options, const Workbench& bench)
        : options_(options),
          bench_(bench),
          catalog_(catalog::BaseImageCatalog::load(bench.settings().share_dir / "curated")) {}

    EnvironmentList list() {
        if (options_.curated) {
            guarded([&] { add_curated_repository(); });
            add_shipped();
            std::ranges::stable_sort(list_.environments, [](const auto& a, const auto& b) {
                return catalog::compare_names(a.name, b.name) < 0;
            });
        }
        if (options_.own) guarded([&] { add_own(); });
        if (options_.look_up && !list_.unreachable) guarded([&] { look_up(); });
        if (list_.environments.empty()) list_.near = names_near(options_.pattern, names_);
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

    // Whether its name is looked for, and is not there yet from a place that comes before.
    bool takes(const std::string& name) {
        names_.insert(name);
        return wanted(options_.pattern, name) && !taken_.contains(to_lower(name));
    }

    void add_curated_repository() {
        const auto names = PublishedNames::curated(bench_);
        if (!names) return;
        add_published(*names);
    }

    void add_shipped() {
        const auto set = catalog::load_curated(bench_.settings().share_dir / "curated/environments");
        for (const auto& fault : set.faults)
            list_.faults.push_back(fmt::format("{}: {}", fault.name, fault.error.message()));
        for (const auto& environment : set.environments) {
            if (!takes(environment.name)) continue;
            taken_.insert(to_lower(environment.name));
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
        const auto names = PublishedNames::own(bench_);
        add_published(names);
    }

    void add_published(const PublishedNames& names) {
        for (const auto* entry : names.entries()) {
            if (!takes(entry->name)) continue;
            if (entry->archived && !options_.archived) {
                list_.archived.push_back(entry->name);
                continue;
            }
            taken_.insert(to_lower(entry->name));
            const auto* latest = names.latest(*entry);
            for (const auto& version : entry->versions) {
                if (version.archived && !options_.archived) continue;
                if (&version == latest || options_.all_versions || (latest == nullptr && options_.archived))
                    add_published(names, *entry, version);
            }
        }
    }

    void add_published(const PublishedNames& names, const catalog::NameEntry& entry,
                       const catalog::VersionEntry& version) {
        ListedEnvironment listed;
        listed.name = entry.name;
        listed.version = version.version;
        listed.curated = names.is_curated(entry);
        listed.status = entry.archived || version.archived ? "archived"
                        : listed.curated                   ? curated_status(version)
                                                           : "current";
        for (const auto& [label, of] : entry.labels) {
            if (of == version.version) listed.labels.push_back(label);
        }
        if (&version == names.latest(entry) && !entry.labels.contains("latest")) listed.labels.emplace_back("latest");
        listed.description = version.description;
        listed.tags = version.tags;
        listed.created = version.created;
        listed.author = version.author;
        listed.facts = facts_of(version.facts);
        FoundEnvironment found;
        found.kind = listed.curated ? FoundEnvironment::Kind::Curated : FoundEnvironment::Kind::Registered;
        found.label = entry.name + ":" + version.version;
        try {
            if (list_.unreachable) throw Error(*list_.unreachable);
            found.path = names.open(version);
            found.definition = spec::read_definition(found.path).definition;
            spec::check_self_contained(*found.definition, found.path, bench_.env());
            const auto intent = make_intent(found, {}, bench_);
            listed.spec_hash = intent.hash.hex();
            listed.facts = environment_facts(intent.spec(), catalog_.cuda());
        } catch (const Error& error) {
            if (error.kind() == ErrorKind::Cancelled) throw;
            if (error.kind() == ErrorKind::Transient || error.kind() == ErrorKind::Unauthorized) {
                list_.unreachable = error;
            } else {
                list_.faults.push_back(fmt::format("{}: {}", found.label, error.message()));
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
    std::set<std::string> names_;  // all that there are
    std::set<std::string> taken_;  // lower case
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
    if (!created.empty()) json.set("created", created).set("author", author);
    return json;
}

EnvironmentList list_environments(const ListOptions& options, const Workbench& bench) {
    return Lister(options, bench).list();
}

}  // namespace envbuild::build
