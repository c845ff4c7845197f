#include "solve/describe.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/strings.hpp"

namespace envbuild::solve {

namespace {

using Heads = std::vector<const conda::RecordHead*>;

Heads heads_of(Universe& universe, const std::vector<int>& packages) {
    Heads heads;
    for (const auto id : packages) heads.push_back(&universe.package_unparsed(id).candidate.record.head());
    return heads;
}

// Ascending, each once.
std::vector<std::string> versions_of(Heads heads) {
    // 1.0 and 1.00 are the same version, and each is to be named once.
    std::sort(heads.begin(), heads.end(), [](const auto* a, const auto* b) {
        return *a->version != *b->version ? *a->version < *b->version
                                          : a->version->to_string() < b->version->to_string();
    });
    std::vector<std::string> versions;
    for (const auto* head : heads) {
        const auto& text = head->version->to_string();
        if (versions.empty() || versions.back() != text) versions.push_back(text);
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

std::string describe_left_out(const conda::NameRecords::LeftOut& left_out) {
    if (left_out.count == 1) return fmt::format("one record cannot be used: {}", left_out.first);
    return fmt::format("{} records cannot be used, the first: {}", left_out.count, left_out.first);
}

}  // namespace

PackageGroup describe_packages(Universe& universe, const std::vector<int>& packages) {
    PackageGroup group;
    if (packages.empty()) return group;
    const auto& name = universe.name(universe.package_unparsed(packages.front()).name);
    const auto heads = heads_of(universe, packages);
    group.name = name.text;
    group.versions = versions_of(heads);
    group.build_count = heads.size();
    if (heads.size() <= 2) {
        for (const auto* head : heads)
            group.builds.push_back(fmt::format("{}={}", head->version->to_string(), head->build));
    }
    const std::set<std::string> told(group.versions.begin(), group.versions.end());
    bool joined = false;
    for (const auto& version : versions_of(heads_of(universe, name.packages))) {
        const bool in = told.contains(version);
        if (in && joined) {
            group.ranges.back().highest = version;
            ++group.ranges.back().versions;
        } else if (in) {
            group.ranges.push_back({version, version});
        }
        joined = in;
    }
    return group;
}

std::string describe_spec(const conda::MatchSpec& spec) {
    const auto& text = spec.to_string();
    if (spec.channel().empty() || text.find("::") != std::string::npos) return text;
    return spec.channel() + "::" + text;
}

NothingProvides describe_nothing_provides(Universe& universe, int spec, std::vector<std::string>& advice) {
    const auto match = universe.spec(spec).match;
    if (match.name().starts_with("__")) return {"target", describe_virtual(universe, match, advice)};
    const auto& name = universe.name(universe.spec_name(spec));
    const auto fits = [&](const Candidate& candidate) { return candidate.record.fits(match); };
    if (const auto found = std::find_if(name.without_hash.begin(), name.without_hash.end(), fits);
        found != name.without_hash.end()) {
        return {"no_sha256", fmt::format("{} has no sha256 in its channel, and what cannot be checked is not installed",
                                         found->record->dist_name())};
    }
    const auto hidden = std::find_if(name.hidden.begin(), name.hidden.end(), fits);
    if (!name.packages.empty()) {
        std::string code = "no_such_version";
        auto text = "there is only " + name.text + " " + newest_of(versions_of(heads_of(universe, name.packages)));
        if (name.left_out.count > 0) text += "; " + describe_left_out(name.left_out);
        if (hidden != name.hidden.end() && !match.channel().empty()) {
            code = "other_channel";
            text += fmt::format("; {} is in {}, which is not the channel that is asked for",
                                hidden->record->dist_name(), hidden->record.channel());
        } else if (hidden != name.hidden.end()) {
            code = "hidden";
            text += fmt::format("; {} in {} is hidden by channel priority", hidden->record->dist_name(),
                                hidden->record.channel());
            advice.push_back(
                fmt::format("to take it from there, write {}::{}", hidden->record.channel(), match.to_string()));
        }
        return {std::move(code), std::move(text)};
    }
    if (name.left_out.count > 0) return {"unusable", describe_left_out(name.left_out)};
    if (hidden != name.hidden.end())
        return {match.channel().empty() ? "hidden" : "other_channel",
                fmt::format("{} is only in {}", name.text, hidden->record.channel())};
    const auto similar = nearest(name.text, universe.provider().names());
    if (!similar.empty()) advice.push_back("did you mean " + similar + "?");
    return {"no_such_name", "no channel has a package of this name"};
}

}  // namespace envbuild::solve
