// PublishedNames: the names of one repository, as far as that repository may give them (docs/names.md, "Two
// repositories"): curated ones where only their keepers write, all others in the team's own.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "build/name_registry.hpp"

namespace envbuild::build {

// Read once; a value to look through. Not thread-safe.
class PublishedNames {
  public:
    // The settings' curated_repository: names with a reserved prefix, in any case; that others are there is warned of
    // once. Nothing where the setting is empty. Throws what the repository throws.
    [[nodiscard]] static std::optional<PublishedNames> curated(const Workbench& bench);
    // `registry`: where curated names have a repository of their own the names without a reserved prefix, else all.
    // Throws what the repository throws.
    [[nodiscard]] static PublishedNames own(const Workbench& bench);

    // Follows renames.
    [[nodiscard]] const catalog::NameEntry* find(std::string_view name) const;
    [[nodiscard]] const std::vector<const catalog::NameEntry*>& entries() const { return entries_; }
    [[nodiscard]] const catalog::NameBook& book() const { return *book_; }
    [[nodiscard]] bool is_curated(const catalog::NameEntry& entry) const;
    // What `latest` is: of a curated name the last that has a solution.
    [[nodiscard]] const catalog::VersionEntry* latest(const catalog::NameEntry& entry) const;
    [[nodiscard]] const catalog::VersionEntry* labelled(const catalog::NameEntry& entry, std::string_view label) const;

    // The definition's directory. Throws as NameRegistry::open does.
    [[nodiscard]] std::filesystem::path open(const catalog::VersionEntry& version) const {
        return registry_->open(version);
    }

  private:
    PublishedNames(std::unique_ptr<cache::ImageRepository> repository, const Workbench& bench);

    catalog::ReservedPrefixes reserved_;
    std::unique_ptr<cache::ImageRepository> repository_;
    std::unique_ptr<NameRegistry> registry_;
    std::unique_ptr<catalog::NameBook> book_;  // entries_ points into it
    std::vector<const catalog::NameEntry*> entries_;
};

// What a published version was marked as: "current", "deprecated", "unsatisfiable"; and why.
inline constexpr std::string_view kStatusTag = "status";
inline constexpr std::string_view kNoteTag = "note";
[[nodiscard]] std::string curated_status(const catalog::VersionEntry& version);

}  // namespace envbuild::build
