#include "build/curated_selection.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/strings.hpp"

namespace envbuild::build {

namespace {

std::vector<std::string> names_of(const catalog::CuratedSet& set) {
    std::vector<std::string> names;
    for (const auto& environment : set.environments) names.push_back(environment.name);
    for (const auto& fault : set.faults) names.push_back(fault.name);
    return names;
}

// Case says nothing about which name is meant.
std::string near_hint(const std::string& name, const std::vector<std::string>& known) {
    std::map<std::string, std::string> spelled;
    std::vector<std::string> lower;
    for (const auto& one : known) {
        lower.push_back(to_lower(one));
        spelled[lower.back()] = one;
    }
    const auto near = nearest(to_lower(name), lower);
    return near.empty() ? "envbuild list names them" : fmt::format("did you mean '{}'?", spelled.at(near));
}

void check_version(const catalog::CuratedSet& set, const std::string& name, const std::string& version) {
    const auto* environment = set.find(name);
    if (environment == nullptr || version.empty() || environment->find(version) != nullptr) return;
    std::vector<std::string> versions;
    for (const auto& one : environment->versions) versions.push_back(one.definition.version);
    throw Error(ErrorKind::NotFound, fmt::format("{} has no version '{}'", environment->name, version))
        .with_hint("it has " + join(versions, ", "));
}

}  // namespace

CuratedSelection CuratedSelection::of(const catalog::CuratedSet& set, const std::vector<std::string>& names) {
    const auto known = names_of(set);
    CuratedSelection selection;
    for (const auto& text : names) {
        const auto colon = text.find(':');
        const auto name = text.substr(0, colon);
        const auto version = colon == std::string::npos ? std::string() : text.substr(colon + 1);
        if (std::ranges::none_of(known, [&](const auto& one) { return to_lower(one) == to_lower(name); })) {
            throw Error(ErrorKind::NotFound, fmt::format("there is no curated environment '{}'", name))
                .with_hint(near_hint(name, known));
        }
        check_version(set, name, version);
        selection.wanted_.push_back({to_lower(name), version});
    }
    return selection;
}

bool CuratedSelection::wants(std::string_view name, std::string_view version) const {
    return wanted_.empty() || std::ranges::any_of(wanted_, [&](const Wanted& one) {
               return one.name == to_lower(name) && (one.version.empty() || version.empty() || one.version == version);
           });
}

}  // namespace envbuild::build
