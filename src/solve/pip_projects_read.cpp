#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "solve/pip_projects.hpp"

namespace envbuild::solve {

namespace {

std::size_t at(int index) {
    return static_cast<std::size_t>(index);
}

}  // namespace

std::string PipProjects::unusable(const Expected<pypi::CoreMetadata>& metadata) const {
    if (!metadata) return metadata.error().message();
    for (const auto& requirement : metadata->requires_dist) {
        if (const auto holds = requirement.marker.evaluate(request_.environment); !holds)
            return holds.error().message();
    }
    return "";
}

std::optional<PipProjects::Need> PipProjects::need_of(const pypi::Requirement& requirement) {
    if (requirement.url) return std::nullopt;
    return Need{spec_id(project_id(requirement.name), requirement.specifier), requirement.extras};
}

const PipProjects::Version& PipProjects::read(int id, int place) {
    (void)project(id);
    auto& project = projects_[at(id)];
    auto& version = project.versions[at(place)];
    if (version.read) return version;
    if (project.source == Source::Index) {
        read_ahead(project, place);
        read_wheel(project, version);
    } else if (project.source == Source::Direct) {
        version.metadata = request_.direct[project.index].metadata;
    }
    if (version.fault.empty() && version.metadata) {
        for (const auto& requirement : version.metadata->requires_dist) {
            const auto holds = requirement.marker.evaluate(request_.environment);
            if (!holds || !*holds) continue;
            if (auto need = need_of(requirement)) {
                version.needs.push_back(std::move(*need));
            } else {
                version.needs_pip = fmt::format("needs {} from a URL", requirement.name);
            }
        }
    }
    version.read = true;
    return version;
}

// The files of a version in turn, until one has metadata that can be used.
void PipProjects::read_wheel(Project& project, Version& version) {
    std::string first;
    version.fault.clear();
    for (const auto* candidate : version.files) {
        if (!candidate->file->dispute.empty() && !project.hashed) {
            throw Error(ErrorKind::Corrupt, candidate->file->dispute)
                .with_hint("both cannot be right: name only one of the indexes, or pin the file by --hash");
        }
        if (!candidate->wheel) {
            version.file = candidate;
            version.needs_pip = "is a source archive";
            return;
        }
        auto metadata = provider_.metadata(candidate->file->file, *candidate->wheel);
        if (auto why = unusable(metadata); !why.empty()) {
            if (first.empty()) first = std::move(why);
            continue;
        }
        ++metadata_read_;
        version.metadata = std::move(*metadata);
        version.file = candidate;
        const auto& python = version.metadata->requires_python;
        const auto target = pypi::Pep440Version::parse(request_.rules.python);
        if (python && target && !python->contains(*target)) {
            version.code = "python";
            version.fault = version.reason = "needs Python " + python->to_string();
        }
        return;
    }
    version.fault = first.empty() ? fmt::format("{} has no file for it", project.name) : first;
}

// Where the search goes down the versions of a project one by one, the next few are asked for together.
void PipProjects::read_ahead(const Project& project, int place) {
    constexpr int kAhead = 8;
    if (place < 2 || !project.versions[at(place - 1)].read || !project.versions[at(place - 2)].read) return;
    std::vector<PipProvider::Wheel> wheels;
    for (auto next = place; next < static_cast<int>(project.versions.size()) && next < place + kAhead; ++next) {
        const auto& version = project.versions[at(next)];
        if (version.read || !version.code.empty() || version.yanked || version.files.empty()) continue;
        if (version.version.is_prerelease() && !project.prereleases) continue;
        const auto* best = version.files.front();
        if (best->wheel) wheels.emplace_back(&best->file->file, &*best->wheel);
    }
    if (wheels.size() > 1) provider_.prefetch(wheels);
}

const std::vector<PipProjects::Need>& PipProjects::extra_needs(int id, int place, const std::string& extra) {
    (void)read(id, place);
    auto& project = projects_[at(id)];
    auto& version = project.versions[at(place)];
    const auto [found, added] = version.extras.try_emplace(extra);
    auto& [needs, needs_pip] = found->second;
    if (!added) return needs;
    if (project.source == Source::Provided) needs_pip = fmt::format("is asked for with its extra '{}'", extra);
    if (!version.metadata) return needs;
    for (const auto& requirement : version.metadata->requires_dist) {
        if (value_or_throw(requirement.marker.evaluate(request_.environment))) continue;
        const auto with_extra = requirement.marker.evaluate(request_.environment, extra);
        if (!with_extra || !*with_extra) continue;
        if (auto need = need_of(requirement)) {
            needs.push_back(std::move(*need));
        } else {
            needs_pip = fmt::format("needs {} from a URL", requirement.name);
        }
    }
    return needs;
}

void PipProjects::prefetch(const CancelToken& cancel) {
    std::vector<Need> wave;
    for (const auto& asked : asked_) wave.push_back(asked.need);
    std::set<std::pair<int, std::vector<std::string>>> seen;
    std::set<std::pair<int, int>> taken;
    const auto quietly = [&](const auto& work) {
        try {
            work();
        } catch (const Error& error) {
            if (error.kind() == ErrorKind::Cancelled) throw;  // others come again when the search needs it
        }
    };
    while (!wave.empty()) {
        cancel.throw_if_cancelled();
        std::vector<Need> fresh;
        std::set<std::string> names;
        for (auto& need : wave) {
            if (!seen.emplace(need.spec, need.extras).second) continue;
            const auto& project = projects_[at(spec_project(need.spec))];
            if (!project.loaded && project.source == Source::Index) names.insert(project.name);
            fresh.push_back(std::move(need));
        }
        provider_.prefetch(std::vector<std::string>(names.begin(), names.end()));
        struct Best {
            int project, place;
            std::vector<std::string> extras;
        };
        std::vector<Best> best;
        std::vector<PipProvider::Wheel> wheels;
        for (const auto& need : fresh) {
            quietly([&] {
                const auto id = spec_project(need.spec);
                const auto& fitting = spec(need.spec).versions;
                const auto found = std::ranges::find_if(fitting, [&](int place) {
                    const auto& known = version(id, place);
                    return known.code.empty() && known.fault.empty() && project(id).asked.contains(known.version);
                });
                if (found == fitting.end()) return;
                best.push_back({id, *found, need.extras});
                const auto& files = version(id, *found).files;
                if (!taken.emplace(id, *found).second || files.empty() || !files.front()->wheel) return;
                wheels.emplace_back(&files.front()->file->file, &*files.front()->wheel);
            });
        }
        provider_.prefetch(wheels);
        wave.clear();
        for (const auto& [id, place, extras] : best) {
            quietly([&] {
                const auto& needs = read(id, place).needs;
                wave.insert(wave.end(), needs.begin(), needs.end());
                for (const auto& extra : extras) {
                    const auto& more = extra_needs(id, place, extra);
                    wave.insert(wave.end(), more.begin(), more.end());
                }
            });
        }
    }
}

}  // namespace envbuild::solve
