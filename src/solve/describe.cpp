#include "solve/describe.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/strings.hpp"

namespace envbuild::solve {

namespace {

std::vector<std::string> versions_of(std::vector<const conda::PackageRecord*> records) {
    std::sort(records.begin(), records.end(), [](const auto* a, const auto* b) { return a->version < b->version; });
    std::vector<std::string> versions;
    for (const auto* record : records) {
        if (versions.empty() || versions.back() != record->version.to_string()) {
            versions.push_back(record->version.to_string());
        }
    }
    return versions;
}

// The last few, since those are what people look for.
std::string newest_of(const std::vector<std::string>& versions) {
    constexpr std::size_t kShown = 6;
    if (versions.size() <= kShown) return join(versions, ", ");
    return fmt::format("{} and {} older",
                       join({versions.end() - static_cast<std::ptrdiff_t>(kShown), versions.end()}, ", "),
                       versions.size() - kShown);
}

std::string describe_virtual(Universe& universe, const conda::MatchSpec& match, std::vector<std::string>& advice) {
    const auto& name = match.name();
    std::string has;
    for (const auto& record : universe.request().virtual_packages) {
        if (record.name == name) has = record.version.to_string() + (record.build == "0" ? "" : "=" + record.build);
    }
    if (name == "__cuda") {
        if (has.empty()) {
            advice.emplace_back(
                universe.request().gpu
                    ? "say with --target-cuda VERSION what the node's driver offers"
                    : "for a GPU node use --gpu, or say with --target-cuda VERSION what its driver offers");
            return "the target has no CUDA";
        }
        advice.emplace_back("if the node's driver offers more, say so with --target-cuda VERSION");
        return "the target has CUDA " + has;
    }
    if (name == "__glibc") {
        advice.emplace_back("choose a base image with a newer glibc: --base IMAGE");
        return has.empty() ? "the base image has no glibc" : "the base image has glibc " + has;
    }
    if (name == "__archspec") {
        advice.emplace_back("name the node's processor with --target-cpu, such as x86_64_v3");
        return has.empty() ? "the target's processor is not known" : "the target's processor is " + has;
    }
    if (name == "__osx" || name == "__win") return "the target is Linux";
    return has.empty() ? "the target has no " + name : "the target has " + name + " " + has;
}

}  // namespace

std::string describe_packages(const Universe& universe, const std::vector<int>& packages) {
    if (packages.empty()) return "";
    std::vector<const conda::PackageRecord*> records;
    for (const auto id : packages) records.push_back(universe.package_unparsed(id).candidate.record.get());
    const auto& name = records.front()->name;
    const auto versions = versions_of(records);
    if (records.size() <= 2) {
        std::vector<std::string> names;
        for (const auto* record : records) names.push_back(record->version.to_string() + "=" + record->build);
        return name + " " + join(names, ", ");
    }
    if (versions.size() <= 3) return fmt::format("{} {} ({} builds)", name, join(versions, ", "), records.size());
    return fmt::format("{} {} to {} ({} builds)", name, versions.front(), versions.back(), records.size());
}

std::string describe_spec(const conda::MatchSpec& spec) {
    const auto& text = spec.to_string();
    if (spec.channel().empty() || text.find("::") != std::string::npos) return text;
    return spec.channel() + "::" + text;
}

std::string describe_nothing_provides(Universe& universe, int spec, std::vector<std::string>& advice) {
    const auto match = universe.spec(spec).match;
    if (match.name().starts_with("__")) return describe_virtual(universe, match, advice);
    const auto& name = universe.name(universe.spec_name(spec));
    const auto fits = [&](const Candidate& candidate) { return match.matches(*candidate.record); };
    if (const auto found = std::find_if(name.without_hash.begin(), name.without_hash.end(), fits);
        found != name.without_hash.end()) {
        return fmt::format("{} has no sha256 in its channel, and what cannot be checked is not installed",
                           found->record->dist_name());
    }
    const auto hidden = std::find_if(name.hidden.begin(), name.hidden.end(), fits);
    if (!name.packages.empty()) {
        std::vector<const conda::PackageRecord*> records;
        for (const auto id : name.packages) records.push_back(universe.package_unparsed(id).candidate.record.get());
        auto text = "there is only " + name.text + " " + newest_of(versions_of(records));
        if (hidden != name.hidden.end()) {
            text += fmt::format("; {} in {} is hidden by channel priority", hidden->record->dist_name(),
                                hidden->record->channel);
            advice.push_back(
                fmt::format("to take it from there, write {}::{}", hidden->record->channel, match.to_string()));
        }
        return text;
    }
    if (hidden != name.hidden.end()) return fmt::format("{} is only in {}", name.text, hidden->record->channel);
    const auto similar = nearest(name.text, universe.provider().names());
    if (!similar.empty()) advice.push_back("did you mean " + similar + "?");
    return "no channel has a package of this name";
}

}  // namespace envbuild::solve
