#include "build/curated_publish.hpp"

#include <fmt/format.h>

#include "build/curated_selection.hpp"
#include "build/definition_source.hpp"

namespace envbuild::build {

namespace {

Registration registration_of(const catalog::CuratedVersion& version) {
    Registration registration;
    registration.name = version.definition.name;
    registration.version = version.definition.version;
    registration.tags["source"] = version.source;
    if (version.status != catalog::CuratedStatus::Current) {
        registration.tags["status"] = to_string(version.status);
        registration.tags["note"] = version.note;
    }
    return registration;
}

}  // namespace

std::vector<PublishedVersion> publish_curated(const catalog::CuratedSet& set, const std::vector<std::string>& names,
                                              const Workbench& bench) {
    const auto selection = CuratedSelection::of(set, names);
    for (const auto& fault : set.faults) {
        if (selection.wants(fault.name, "")) {
            throw Error(fault.error).with_context(fmt::format("reading the curated environment {}", fault.name));
        }
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
            const auto done = register_definition(source, registration_of(version), bench);
            if (done.version != version.definition.version) {
                throw Error(ErrorKind::InvalidInput,
                            fmt::format("{} is there already, as version {}", source.label, done.version))
                    .with_hint("two versions of a curated environment must not be the same");
            }
            published.push_back({done.name, done.version, done.spec_hash, done.is_new});
        }
    }
    return published;
}

}  // namespace envbuild::build
