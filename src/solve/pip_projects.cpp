#include "solve/pip_projects.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/strings.hpp"

namespace envbuild::solve {

namespace {

std::size_t at(int index) {
    return static_cast<std::size_t>(index);
}

bool pins_a_version(const pypi::SpecifierSet& specifier) {
    return std::ranges::any_of(specifier.clauses(), [](const auto& clause) {
        return clause.op == "===" || (clause.op == "==" && !clause.version.ends_with(".*"));
    });
}

// What a version's local part says of the build: "cpu", or the CUDA of "cu118" as {11, 8}.
struct Build {
    bool cpu = false;
    std::optional<std::pair<int, int>> cuda = std::nullopt;
};

Build build_of(const pypi::Pep440Version& version) {
    const auto local = version.local();
    const auto label = local.substr(0, local.find('.'));
    if (label == "cpu") return {.cpu = true};
    int number = 0;
    if (!label.starts_with("cu") || label.size() < 4) return {};
    const auto [end, error] = std::from_chars(label.data() + 2, label.data() + label.size(), number);
    if (error != std::errc() || end != label.data() + label.size()) return {};
    return {.cuda = {{number / 10, number % 10}}};
}

std::optional<std::pair<int, int>> cuda_version(const std::string& text) {
    const auto parts = split(text, '.');
    std::pair<int, int> numbers;
    const auto number = [](std::string_view part, int& into) {
        return std::from_chars(part.data(), part.data() + part.size(), into).ec == std::errc();
    };
    if (parts.empty() || !number(parts[0], numbers.first)) return std::nullopt;
    if (parts.size() > 1 && !number(parts[1], numbers.second)) return std::nullopt;
    return numbers;
}

// Whether a specifier names this very local version.
bool names_label(const pypi::SpecifierSet& specifier, const pypi::Pep440Version& version) {
    return std::ranges::any_of(specifier.clauses(), [&](const auto& clause) {
        const auto plus = clause.version.find('+');
        return clause.op.starts_with("==") && plus != std::string::npos &&
               clause.version.substr(plus + 1) == version.local();
    });
}

bool has_hash(const pypi::Candidate& candidate, const std::vector<std::string>& hashes) {
    const auto& sha256 = candidate.file->file.sha256;
    return sha256 && std::ranges::find(hashes, sha256->to_string()) != hashes.end();
}

}  // namespace

PipProjects::PipProjects(const PipRequest& request, PipProvider& provider) : request_(request), provider_(provider) {
    for (std::size_t i = 0; i < request.provided.size(); ++i) {
        auto& project = projects_[at(project_id(request.provided[i].name))];
        project.source = Source::Provided;
        project.index = i;
    }
    for (const auto& line : request.lines) take_line(line, asked_, false);
    for (const auto& line : request.constraints) take_line(line, constraints_, true);
    for (std::size_t i = 0; i < request.direct.size(); ++i) {
        const auto& direct = request.direct[i];
        const auto id = project_id(direct.metadata.name);
        auto& project = projects_[at(id)];
        if (project.source == Source::Provided) {
            throw Error(
                ErrorKind::Unsatisfiable,
                fmt::format("'{}' names a file of {}, and {} {} is there already", direct.text, project.name,
                            request.provided[project.index].by, request.provided[project.index].version.to_string()))
                .with_hint("take one of the two out of the file");
        }
        if (project.source == Source::Direct && request.direct[project.index].text != direct.text) {
            throw Error(ErrorKind::Unsatisfiable, fmt::format("'{}' and '{}' are two files of one project",
                                                              request.direct[project.index].text, direct.text))
                .with_hint("name one of them");
        }
        project.source = Source::Direct;
        project.index = i;
        project.is_asked = true;
        asked_.push_back({{spec_id(id, {}), direct.extras}, direct.text});
    }
    // One order whatever order the lines were written in.
    const auto key = [&](const Asked& asked) { return std::pair(name(spec_project(asked.need.spec)), asked.text); };
    for (auto* list : {&asked_, &constraints_}) {
        std::ranges::sort(*list, {}, key);
        const auto repeated = std::ranges::unique(*list, {}, key);
        list->erase(repeated.begin(), repeated.end());
    }
}

void PipProjects::take_line(const PipLine& line, std::vector<Asked>& out, bool constraint) {
    const auto& requirement = line.requirement;
    if (!value_or_throw(requirement.marker.evaluate(request_.environment))) return;
    const auto id = project_id(requirement.name);
    auto& project = projects_[at(id)];
    auto clauses = project.asked.to_string();
    if (const auto more = requirement.specifier.to_string(); !more.empty())
        clauses += (clauses.empty() ? "" : ",") + more;
    project.asked = value_or_throw(pypi::SpecifierSet::parse(clauses));
    project.is_asked |= !constraint;
    if (!line.hashes.empty()) {
        // What two lines allow is what both do.
        if (project.hashed) {
            std::erase_if(project.hashes,
                          [&](const auto& hash) { return std::ranges::find(line.hashes, hash) == line.hashes.end(); });
        } else {
            project.hashes = line.hashes;
        }
        project.hashed = true;
    }
    out.push_back({{spec_id(id, requirement.specifier), requirement.extras}, requirement.to_string()});
}

int PipProjects::project_id(const std::string& name) {
    const auto [found, added] = project_ids_.emplace(name, static_cast<int>(projects_.size()));
    if (added) projects_.emplace_back().name = name;
    return found->second;
}

int PipProjects::spec_id(int project, const pypi::SpecifierSet& specifier) {
    const auto [found, added] =
        spec_ids_.emplace(std::pair(project, specifier.to_string()), static_cast<int>(specs_.size()));
    if (added) specs_.push_back({.project = project, .specifier = specifier, .only = {}, .versions = {}});
    return found->second;
}

int PipProjects::exact_spec(int project, int version) {
    const auto [found, added] =
        spec_ids_.emplace(std::pair(project, fmt::format("#{}", version)), static_cast<int>(specs_.size()));
    if (added) specs_.push_back({.project = project, .specifier = {}, .only = version, .versions = {}});
    return found->second;
}

const PipProjects::Project& PipProjects::project(int id) {
    auto& project = projects_[at(id)];
    if (!project.loaded) load(project);
    return project;
}

const PipProjects::Version& PipProjects::version(int id, int place) {
    return project(id).versions[at(place)];
}

const PipProjects::Spec& PipProjects::spec(int id) {
    auto& spec = specs_[at(id)];
    if (spec.evaluated) return spec;
    const auto& of = project(spec.project);
    spec.versions = spec.only ? std::vector<int>{*spec.only} : members(of, spec.specifier);
    spec.evaluated = true;
    return spec;
}

std::vector<int> PipProjects::members(const Project& project, const pypi::SpecifierSet& specifier) const {
    std::vector<int> contained;
    bool final = false;
    for (std::size_t i = 0; i < project.versions.size(); ++i) {
        const auto& version = project.versions[i].version;
        if (!specifier.contains(version)) continue;
        contained.push_back(static_cast<int>(i));
        final |= !version.is_prerelease();
    }
    const bool prereleases = !final || project.prereleases || request_.rules.pre || specifier.allows_prereleases();
    if (!prereleases)
        std::erase_if(contained, [&](int place) { return project.versions[at(place)].version.is_prerelease(); });
    const auto is_yanked = [&](int place) { return project.versions[at(place)].yanked; };
    const bool yanked = project.yanked || (pins_a_version(specifier) && std::ranges::all_of(contained, is_yanked));
    if (!yanked) std::erase_if(contained, is_yanked);
    return contained;
}

void PipProjects::load(Project& project) {
    project.loaded = true;
    Version version;
    switch (project.source) {
        case Source::Provided:
            version.version = request_.provided[project.index].version;
            break;
        case Source::Direct:
            version.version = request_.direct[project.index].metadata.version;
            break;
        case Source::Index:
            try {
                load_index(project);
            } catch (...) {
                project.loaded = false;  // what was asked for too early may not be needed at all
                project.versions.clear();
                throw;
            }
            return;
    }
    project.versions.push_back(std::move(version));
    project.prereleases = project.yanked = true;
}

void PipProjects::load_index(Project& project) {
    project.pages = provider_.project(project.name);
    project.candidates = pypi::find_candidates(*project.pages, request_.rules);
    std::map<pypi::Pep440Version, std::size_t> places;
    for (const auto& candidate : project.candidates.usable) {
        const auto [found, added] = places.emplace(candidate.version, project.versions.size());
        if (added) project.versions.emplace_back().version = candidate.version;
        project.versions[found->second].files.push_back(&candidate);
    }
    for (auto& version : project.versions) {
        // The user's hashes go first: who names a yanked file by its hash wants it.
        if (project.hashed) {
            std::erase_if(version.files, [&](const auto* file) { return !has_hash(*file, project.hashes); });
            if (version.files.empty()) {
                version.code = "hash";
                continue;
            }
        }
        version.yanked = std::ranges::all_of(version.files, &pypi::Candidate::is_yanked);
        if (!version.yanked) std::erase_if(version.files, [](const auto* file) { return file->is_yanked(); });
    }
    allow_by_request(project);
    if (request_.gpu) order_for_gpu(project);
}

// Pre-releases and yanked versions by what all lines of a project say together, as pip has it.
void PipProjects::allow_by_request(Project& project) const {
    const auto& asked = project.asked;
    std::vector<const Version*> contained;
    for (const auto& version : project.versions) {
        if (asked.contains(version.version)) contained.push_back(&version);
    }
    const bool final =
        std::ranges::any_of(contained, [](const auto* version) { return !version->version.is_prerelease(); });
    project.prereleases = asked.allows_prereleases() || (!asked.clauses().empty() && !final);
    project.yanked = pins_a_version(asked) && std::ranges::all_of(contained, &Version::yanked);
}

// Of the builds of one version, those for the target's CUDA go first: of its major version, then of older ones, then
// those that do not say. What is for a newer CUDA than the driver's would not run.
void PipProjects::order_for_gpu(Project& project) const {
    const auto target = cuda_version(request_.cuda);
    const auto rank = [&](const Version& version) {
        const auto cuda = build_of(version.version).cuda;
        if (!cuda) return 2;
        return !target || cuda->first == target->first ? 0 : 1;
    };
    for (auto& version : project.versions) {
        const auto build = build_of(version.version);
        if (names_label(project.asked, version.version)) continue;
        if (build.cpu) version.code = "cpu_build";
        if (build.cuda && target && *build.cuda > *target) {
            version.code = "cuda_build";
            version.reason =
                fmt::format("CUDA {}.{}, and the target has {}", build.cuda->first, build.cuda->second, request_.cuda);
        }
    }
    for (auto begin = project.versions.begin(); begin != project.versions.end();) {
        const auto end = std::find_if(begin, project.versions.end(), [&](const auto& version) {
            return version.version.compare_public(begin->version) != 0;
        });
        std::stable_sort(begin, end, [&](const auto& a, const auto& b) { return rank(a) < rank(b); });
        begin = end;
    }
}

std::string PipProjects::spec_text(int id, const std::vector<std::string>& extras) {
    const auto& spec = specs_[at(id)];
    const auto bracket = extras.empty() ? std::string() : "[" + join(extras, ",") + "]";
    const auto specifier =
        spec.only ? "==" + version(spec.project, *spec.only).version.to_string() : spec.specifier.to_string();
    return name(spec.project) + bracket + specifier;
}

bool PipProjects::widen(const std::set<int>& specs) {
    bool widened = false;
    for (const auto id : specs) {
        const auto& spec = specs_[at(id)];
        auto& project = projects_[at(spec.project)];
        if (spec.only || !project.loaded) continue;
        if (!project.prereleases && spec.specifier.allows_prereleases()) project.prereleases = widened = true;
        const auto is_yanked = [&](const auto& version) {
            return version.yanked && spec.specifier.contains(version.version);
        };
        if (!project.yanked && pins_a_version(spec.specifier) && std::ranges::any_of(project.versions, is_yanked))
            project.yanked = widened = true;
    }
    if (widened) {
        for (auto& spec : specs_) spec.evaluated = false;
    }
    return widened;
}

}  // namespace envbuild::solve
