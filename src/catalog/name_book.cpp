#include "catalog/name_book.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <tuple>

namespace envbuild::catalog {

namespace {

constexpr std::size_t kNumberDigits = 15;

// The value of a version that is a number; 0 for any other. Longer ones could not be counted on from.
std::uint64_t number_of(std::string_view version) {
    std::uint64_t value = 0;
    if (version.size() > kNumberDigits) return 0;
    const auto [end, error] = std::from_chars(version.data(), version.data() + version.size(), value);
    return error == std::errc() && end == version.data() + version.size() ? value : 0;
}

Outcome refuse(std::string reason) {
    return {.version = "", .refused = std::move(reason)};
}

template <class Versions>
auto* find_version(Versions& versions, std::string_view version) {
    const auto found = std::ranges::find(versions, version, &VersionEntry::version);
    return found == versions.end() ? nullptr : &*found;
}

// The version that this registration is of. `expected` keeps numbers where they were when an earlier claim has been
// deleted from the registry.
std::string version_for(const NameEntry& entry, const Claim& claim) {
    const VersionEntry* same = entry.with_content(claim.content);
    if (!claim.version.empty()) {
        const VersionEntry* taken = entry.find(claim.version);
        if (taken == nullptr || taken->content == claim.content) return claim.version;
        return same != nullptr ? same->version : entry.next_version();
    }
    if (same != nullptr) return same->version;
    return number_of(claim.expected) != 0 && entry.find(claim.expected) == nullptr ? claim.expected
                                                                                   : entry.next_version();
}

}  // namespace

const VersionEntry* NameEntry::latest() const {
    if (const auto label = labels.find("latest"); label != labels.end()) return find(label->second);
    const auto last = std::find_if(versions.rbegin(), versions.rend(), [](const auto& v) { return !v.archived; });
    return last == versions.rend() ? nullptr : &*last;
}

const VersionEntry* NameEntry::find(std::string_view version) const {
    return find_version(versions, version);
}

const VersionEntry* NameEntry::labelled(std::string_view label) const {
    if (label == "latest") return latest();
    const auto found = labels.find(std::string(label));
    return found == labels.end() ? nullptr : find(found->second);
}

const VersionEntry* NameEntry::with_content(const Digest& content) const {
    const auto found = std::ranges::find(versions, content, &VersionEntry::content);
    return found == versions.end() ? nullptr : &*found;
}

std::string NameEntry::next_version() const {
    std::uint64_t highest = 0;
    for (const auto& version : versions) highest = std::max(highest, number_of(version.version));
    std::string next = std::to_string(highest + 1);
    while (find(next) != nullptr) next = std::to_string(++highest + 1);
    return next;
}

NameBook NameBook::play(std::vector<Claim> claims) {
    std::ranges::sort(claims, {}, [](const Claim& claim) { return std::tie(claim.sequence, claim.created, claim.id); });
    NameBook book;
    for (const auto& claim : claims) {
        if (!book.outcomes_.contains(claim.id)) book.apply(claim);
    }
    return book;
}

NameBook NameBook::with(const Claim& claim) const {
    NameBook book = *this;
    book.apply(claim);
    return book;
}

const NameEntry* NameBook::find(std::string_view name) const {
    const auto redirect = renamed_.find(name);
    const auto entry = names_.find(redirect == renamed_.end() ? name : std::string_view(redirect->second));
    return entry == names_.end() ? nullptr : &entry->second;
}

NameEntry* NameBook::find_entry(std::string_view name) {
    return const_cast<NameEntry*>(find(name));
}

std::optional<std::string> NameBook::renamed_to(std::string_view name) const {
    const auto found = renamed_.find(name);
    return found == renamed_.end() ? std::nullopt : std::optional(found->second);
}

const Outcome* NameBook::outcome(const Digest& claim) const {
    const auto found = outcomes_.find(claim);
    return found == outcomes_.end() ? nullptr : &found->second;
}

std::uint64_t NameBook::next_sequence() const {
    return std::min(last_ + 1, kLastSequence);
}

bool NameBook::same_names(const NameBook& other) const {
    return names_ == other.names_ && renamed_ == other.renamed_;
}

void NameBook::apply(const Claim& claim) {
    last_ = std::max(last_, claim.sequence);
    auto& outcome = outcomes_[claim.id];
    switch (claim.kind) {
        case ClaimKind::Register:
            outcome = apply_register(claim);
            break;
        case ClaimKind::Rename:
            outcome = apply_rename(claim);
            break;
        case ClaimKind::Label:
            outcome = apply_label(claim);
            break;
        case ClaimKind::Archive:
            outcome = apply_archive(claim);
            break;
    }
}

Outcome NameBook::apply_register(const Claim& claim) {
    renamed_.erase(claim.name);
    auto& entry = names_[claim.name];
    entry.name = claim.name;
    const auto version = version_for(entry, claim);
    if (VersionEntry* there = find_version(entry.versions, version)) {
        if (!claim.description.empty()) there->description = claim.description;
        if (!claim.tags.empty()) there->tags = claim.tags;
        if (there->facts.is_null()) there->facts = claim.facts;
        if (there->spec_hash.empty()) there->spec_hash = claim.spec_hash;
    } else {
        entry.versions.push_back({version, claim.content, claim.spec_hash, claim.description, claim.tags, claim.facts,
                                  claim.created, claim.author, claim.id, false});
    }
    return {version, ""};
}

Outcome NameBook::apply_rename(const Claim& claim) {
    const auto old = names_.find(claim.name);
    if (old == names_.end()) {
        const auto redirect = renamed_to(claim.name);
        return refuse(redirect ? fmt::format("'{}' has been renamed to '{}'", claim.name, *redirect)
                               : fmt::format("there is no environment '{}'", claim.name));
    }
    if (names_.contains(claim.target)) return refuse(fmt::format("there is an environment '{}' already", claim.target));
    auto node = names_.extract(old);
    node.key() = claim.target;
    node.mapped().name = claim.target;
    names_.insert(std::move(node));
    renamed_.erase(claim.target);
    for (auto& [from, to] : renamed_) {
        if (to == claim.name) to = claim.target;
    }
    renamed_[claim.name] = claim.target;
    return {};
}

Outcome NameBook::apply_label(const Claim& claim) {
    NameEntry* entry = find_entry(claim.name);
    if (entry == nullptr) return refuse(fmt::format("there is no environment '{}'", claim.name));
    if (claim.set) {
        if (claim.version.empty()) return refuse("a label is set on a version, and none was named");
        if (entry->find(claim.version) == nullptr)
            return refuse(fmt::format("'{}' has no version '{}'", entry->name, claim.version));
        entry->labels[claim.target] = claim.version;
        return {claim.version, ""};
    }
    const auto label = entry->labels.find(claim.target);
    if (label == entry->labels.end()) return refuse(fmt::format("'{}' has no label '{}'", entry->name, claim.target));
    auto version = label->second;
    if (!claim.version.empty() && claim.version != version)
        return refuse(fmt::format("the label '{}' of '{}' is at version '{}'", claim.target, entry->name, version));
    entry->labels.erase(label);
    return {std::move(version), ""};
}

Outcome NameBook::apply_archive(const Claim& claim) {
    NameEntry* entry = find_entry(claim.name);
    if (entry == nullptr) return refuse(fmt::format("there is no environment '{}'", claim.name));
    if (claim.version.empty()) {
        entry->archived = claim.set;
        return {};
    }
    VersionEntry* version = find_version(entry->versions, claim.version);
    if (version == nullptr) return refuse(fmt::format("'{}' has no version '{}'", entry->name, claim.version));
    version->archived = claim.set;
    return {claim.version, ""};
}

}  // namespace envbuild::catalog
