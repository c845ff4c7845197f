#include "build/published_names.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/strings.hpp"
#include "catalog/curated_set.hpp"

namespace envbuild::build {

using catalog::NameEntry;
using catalog::VersionEntry;

PublishedNames::PublishedNames(std::unique_ptr<cache::ImageRepository> repository, const Workbench& bench)
    : reserved_(bench.settings().reserved_prefixes),
      repository_(std::move(repository)),
      registry_(std::make_unique<NameRegistry>(*repository_, bench)),
      book_(std::make_unique<catalog::NameBook>(registry_->read())) {}

std::optional<PublishedNames> PublishedNames::curated(const Workbench& bench) {
    auto repository = bench.curated_repository();
    if (!repository) return std::nullopt;
    const bool shared = repository->name() == bench.repository()->name();
    PublishedNames names(std::move(repository), bench);
    std::vector<std::string> others;
    for (const auto& [name, entry] : names.book_->names()) {
        if (names.is_curated(entry)) {
            names.entries_.push_back(&entry);
        } else {
            others.push_back(name);
        }
    }
    if (!shared && !others.empty()) {
        bench.warn_once(
            fmt::format("{} is the curated_repository, and what it holds without a reserved prefix is left "
                        "out of the names: {}{}",
                        names.repository_->name(), others.front(),
                        others.size() > 1 ? fmt::format(" and {} more", others.size() - 1) : ""));
    }
    return names;
}

PublishedNames PublishedNames::own(const Workbench& bench) {
    PublishedNames names(bench.repository(), bench);
    const bool apart = !bench.settings().curated_repository.empty();
    for (const auto& [name, entry] : names.book_->names()) {
        if (!apart || !names.is_curated(entry)) names.entries_.push_back(&entry);
    }
    return names;
}

const NameEntry* PublishedNames::find(std::string_view name) const {
    const auto* entry = book_->find(name);
    if (entry == nullptr && reserved_.reserves(name)) {
        const auto same =
            std::ranges::find_if(entries_, [&](const NameEntry* one) { return to_lower(one->name) == to_lower(name); });
        if (same != entries_.end()) return *same;
    }
    return std::ranges::find(entries_, entry) == entries_.end() ? nullptr : entry;
}

bool PublishedNames::is_curated(const NameEntry& entry) const {
    return reserved_.reserves(entry.name);
}

const VersionEntry* PublishedNames::latest(const NameEntry& entry) const {
    if (!is_curated(entry) || entry.labels.contains("latest")) return entry.latest();
    const auto last = std::find_if(entry.versions.rbegin(), entry.versions.rend(), [](const VersionEntry& version) {
        return !version.archived && curated_status(version) != to_string(catalog::CuratedStatus::Unsatisfiable);
    });
    return last == entry.versions.rend() ? entry.latest() : &*last;
}

const VersionEntry* PublishedNames::labelled(const NameEntry& entry, std::string_view label) const {
    return label == "latest" ? latest(entry) : entry.labelled(label);
}

std::string curated_status(const VersionEntry& version) {
    const auto status = version.tags.find(std::string(kStatusTag));
    return status == version.tags.end() ? std::string(to_string(catalog::CuratedStatus::Current)) : status->second;
}

}  // namespace envbuild::build
