#include "solve/universe.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/shown.hpp"
#include "solve/gpu_constraint.hpp"

namespace envbuild::solve {

Universe::Universe(const Request& request, CandidateProvider& provider) : request_(request), provider_(provider) {
    for (const auto& spec : request.specs) {
        if (!spec.has_exact_name()) continue;
        auto& name = names_[static_cast<std::size_t>(name_id(spec.name()))];
        if (name.channel.empty()) name.channel = spec.channel();
    }
}

int Universe::name_id(const std::string& name) {
    const auto [found, added] = name_ids_.emplace(name, static_cast<int>(names_.size()));
    if (added) names_.emplace_back().text = name;
    return found->second;
}

int Universe::intern(const conda::MatchSpec& spec) {
    if (!spec.has_exact_name()) {
        throw Error(ErrorKind::InvalidInput, "the spec '" + spec.to_string() + "' names no package")
            .with_hint("a pattern cannot be installed: write the package's name");
    }
    const auto key = spec.to_string() + "\n" + spec.channel();  // no spec of a record holds a line break
    const auto [found, added] = spec_ids_.emplace(key, static_cast<int>(specs_.size()));
    if (added) {
        auto& entry = specs_.emplace_back();
        entry.match = spec;
        entry.name = name_id(spec.name());
    }
    return found->second;
}

std::optional<int> Universe::intern(const std::string& text) {
    if (const auto found = spec_ids_.find(text); found != spec_ids_.end()) {
        return found->second < 0 ? std::nullopt : std::optional(found->second);
    }
    auto spec = conda::MatchSpec::parse(text, conda::Dialect::Conda);
    if (spec && !spec->channel().empty() && request_.channel_url) {
        const auto url = request_.channel_url(spec->channel());
        spec = url ? Expected<conda::MatchSpec>(spec->with_channel(*url)) : fail(ErrorKind::InvalidInput, text);
    }
    if (!spec || !spec->has_exact_name()) {
        spec_ids_.emplace(text, -1);
        return std::nullopt;
    }
    const auto id = static_cast<int>(specs_.size());
    spec_ids_.emplace(text, id);
    auto& entry = specs_.emplace_back();
    entry.name = name_id(spec->name());
    entry.match = std::move(*spec);
    return id;
}

void Universe::load(Name& name) {
    name.loaded = true;
    std::vector<Candidate> usable;
    if (name.text.starts_with("__")) {
        for (const auto& record : request_.virtual_packages) {
            if (record.name == name.text) usable.push_back({LazyRecord(record), 0});
        }
    } else {
        auto offer = provider_.offer(name.text, name.channel);
        name.hidden = std::move(offer.hidden);
        name.left_out = std::move(offer.left_out);
        for (auto& candidate : offer.usable) {
            const bool refused = !candidate.record.head().has_sha256 && !request_.allow_missing_sha256;
            (refused ? name.without_hash : usable).push_back(std::move(candidate));
        }
    }
    const auto priority = provider_.priority();
    std::sort(usable.begin(), usable.end(), [&](const auto& a, const auto& b) {
        return compare_candidates(a, b, priority) == std::weak_ordering::less;
    });
    std::vector<const conda::PackageRecord*> held;
    for (const auto& record : request_.held) {
        if (record.name == name.text) held.push_back(&record);
    }
    const auto is_held = [&](const Candidate& candidate) {
        return std::any_of(held.begin(), held.end(), [&](const auto* record) {
            return record->file_name == candidate.record.head().file_name && record->url == candidate.record->url &&
                   record->sha256 == candidate.record->sha256;
        });
    };
    const auto has_held_version = [&](const Candidate& candidate) {
        return std::any_of(held.begin(), held.end(),
                           [&](const auto* record) { return record->version == *candidate.record.head().version; });
    };
    const auto files_end = std::stable_partition(usable.begin(), usable.end(), is_held);
    const auto versions_end = std::stable_partition(files_end, usable.end(), has_held_version);
    const auto id = name_ids_.at(name.text);
    for (auto it = usable.begin(); it != usable.end(); ++it) {
        name.packages.push_back(static_cast<int>(packages_.size()));
        auto& package = packages_.emplace_back();
        package.hold = it < files_end ? Hold::File : it < versions_end ? Hold::Version : Hold::None;
        package.name = id;
        package.candidate = std::move(*it);
    }
    name.version_ends.resize(name.packages.size());
    const auto version = [&](std::size_t i) -> const std::string& {
        return package_unparsed(name.packages[i]).candidate.record.head().version->to_string();
    };
    for (std::size_t i = name.packages.size(); i-- > 0;) {
        const bool last = i + 1 == name.packages.size() || version(i) != version(i + 1);
        name.version_ends[i] = last ? i + 1 : name.version_ends[i + 1];
    }
}

const Universe::Name& Universe::name(int id) {
    auto& name = names_[static_cast<std::size_t>(id)];
    if (!name.loaded) load(name);
    return name;
}

bool Universe::comes_in_both(int id) {
    auto& known = names_[static_cast<std::size_t>(id)].in_both;
    if (!known) {
        std::vector<Candidate> candidates;
        for (const auto package : name(id).packages) candidates.push_back(package_unparsed(package).candidate);
        known = solve::comes_in_both(candidates);
    }
    return *known;
}

const Universe::Spec& Universe::spec(int id) {
    auto& spec = specs_[static_cast<std::size_t>(id)];
    if (!spec.evaluated) {
        spec.evaluated = true;
        const auto& about = name(spec.name);
        const auto fits = [&](int package) {
            const auto& record = packages_[static_cast<std::size_t>(package)].candidate.record;
            return channel_matches(spec.match.channel(), record.channel()) && record.fits(spec.match);
        };
        // Most specs ask for nothing but a version, which is then compared once for all of its builds.
        const bool version_only =
            spec.match.build().is_any() && spec.match.to_string().find_first_of("[/:") == std::string::npos;
        for (std::size_t i = 0; i < about.packages.size();) {
            const auto end = version_only ? about.version_ends[i] : i + 1;
            const bool fit = fits(about.packages[i]);
            for (; i < end; ++i) {
                if (fit) spec.providers.push_back(about.packages[i]);
            }
        }
    }
    return spec;
}

const Universe::Package& Universe::package(int id) {
    if (!packages_[static_cast<std::size_t>(id)].parsed) {
        std::vector<int> needs, bars;
        const auto record = packages_[static_cast<std::size_t>(id)].candidate.record;
        auto fault = record.fault();
        const auto refuse = [&](const std::string& text) {
            if (fault.empty()) fault = fmt::format("its dependency '{}' does not parse", shown(text));
        };
        for (const auto& text : record->depends) {
            if (const auto spec = intern(text)) {
                needs.push_back(*spec);
            } else {
                refuse(text);
            }
        }
        for (const auto& text : record->constrains) {
            const auto spec = intern(text);
            if (!spec) {
                refuse(text);
            } else if (specs_[static_cast<std::size_t>(*spec)].match.name() != record->name) {
                bars.push_back(*spec);
            }
        }
        for (auto* list : {&needs, &bars}) {
            std::sort(list->begin(), list->end());
            list->erase(std::unique(list->begin(), list->end()), list->end());
        }
        auto& package = packages_[static_cast<std::size_t>(id)];
        package.parsed = true;
        package.fault = std::move(fault);
        package.needs = std::move(needs);
        package.bars = std::move(bars);
    }
    return packages_[static_cast<std::size_t>(id)];
}

bool Universe::same_block(int a, int b, bool version_only) const {
    const auto& x = package_unparsed(a);
    const auto& y = package_unparsed(b);
    if (x.hold != y.hold) return false;
    if (x.hold == Hold::File) return a == b;
    if (!version_only) return compare_class(x.candidate, y.candidate, provider_.priority()) == 0;
    const bool same_channel =
        provider_.priority() != ChannelPriority::Flexible || x.candidate.channel_rank == y.candidate.channel_rank;
    return same_channel && *x.candidate.record.head().version == *y.candidate.record.head().version;
}

}  // namespace envbuild::solve
