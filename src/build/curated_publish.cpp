#include "build/curated_publish.hpp"

#include <fmt/format.h>

#include "build/curated_selection.hpp"
#include "build/definition_source.hpp"
#include "build/published_names.hpp"

namespace envbuild::build {

namespace {

Registration registration_of(const catalog::CuratedVersion& version) {
    Registration registration;
    registration.name = version.definition.name;
    registration.version = version.definition.version;
    registration.tags["source"] = version.source;
    if (version.status != catalog::CuratedStatus::Current) {
        registration.tags[std::string(kStatusTag)] = to_string(version.status);
        registration.tags[std::string(kNoteTag)] = version.note;
    }
    return registration;
}

}  // namespace

std::vector<PublishedVersion> publish_curated(const catalog::CuratedSet& set, const std::vector<std::string>& names,
                                              cache::ImageRepository& repository, const Workbench& bench) {
    const auto selection = CuratedSelection::of(set, names);
    for (const auto& fault : set.faults) {
        if (selection.wants(fault.name, "")) {
            throw Error(fault.error).with_context(fmt::format("reading the curated environment {}", fault.name));
        }
    }
    const catalog::ReservedPrefixes reserved(bench.settings().reserved_prefixes);
    for (const auto& environment : set.environments) {
        if (!selection.wants(environment.name, "") || reserved.reserves(environment.name)) continue;
        throw Error(
            ErrorKind::InvalidInput,
            fmt::format("{} has no reserved prefix, so that anybody could register versions of it", environment.name))
            .with_hint("a curated name begins with AzureML, Microsoft or one of the setting reserved_prefixes");
    }
    std::vector<PublishedVersion> published;
    for (const auto& environment : set.environments) {
        for (const auto& version : environment.versions) {
            if (!selection.wants(environment.name, version.definition.version)) continue;
            bench.cancel().throw_if_cancelled();
            DefinitionSource source;
            source.definition = version.definition;
            source.directory = environment.directory;
            source.label = environment.name + ":" + version.definition.version;
            const auto done = register_definition(source, registration_of(version), repository, bench);
            published.push_back({done.name, done.version, done.spec_hash, done.is_new});
        }
    }
    return published;
}

}  // namespace envbuild::build
