#include "pypi/candidate.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "base/strings.hpp"

namespace envbuild::pypi {

namespace {

bool lists(const std::vector<std::string>& names, std::string_view name) {
    return std::ranges::find(names, name) != names.end();
}

struct Formats {
    bool binary = true, source = true;
};

// pip's FormatControl: a project's own word counts before ":all:".
Formats formats_of(const std::string& name, const CandidateRules& rules) {
    if (lists(rules.only_binary, name)) return {true, false};
    if (lists(rules.no_binary, name)) return {false, true};
    if (lists(rules.only_binary, ":all:")) return {true, false};
    return {!lists(rules.no_binary, ":all:"), true};
}

// What Requires-Python is compared with: "3.13.0" of "3.13.0rc1", so that a coming Python can be tried.
Pep440Version python_release(const std::string& full) {
    const auto version = value_or_throw(Pep440Version::parse(full));
    std::vector<std::string> numbers = version.release();
    numbers.resize(std::max<std::size_t>(3, numbers.size()), "0");
    return value_or_throw(Pep440Version::parse(join(numbers, ".")));
}

// One that pip could not read either holds for every Python.
bool takes_python(const std::string& requires_python, const Pep440Version& python) {
    if (requires_python.empty()) return true;
    const auto set = SpecifierSet::parse(requires_python);
    return !set || set->contains(python);
}

// Best first.
bool is_better(const Candidate& a, const Candidate& b, bool prefer_binary) {
    const bool a_wheel = a.wheel.has_value(), b_wheel = b.wheel.has_value();
    if (prefer_binary && a_wheel != b_wheel) return a_wheel;
    if (const auto order = a.version <=> b.version; order != 0) return order > 0;
    if (a_wheel != b_wheel) return a_wheel;
    if (!a_wheel) return false;
    if (a.rank != b.rank) return a.rank < b.rank;
    return a.wheel->build > b.wheel->build;
}

bool pins_a_version(const SpecifierSet& specifier) {
    return std::ranges::any_of(specifier.clauses(), [](const auto& clause) {
        return clause.op == "===" || (clause.op == "==" && !clause.version.ends_with(".*"));
    });
}

bool has_hash(const Candidate& candidate, const std::vector<std::string>& hashes) {
    const auto& sha256 = candidate.file->file.sha256;
    return hashes.empty() || (sha256 && lists(hashes, sha256->to_string()));
}

}  // namespace

Candidates find_candidates(const Project& project, const CandidateRules& rules) {
    Candidates out{project.name, {}, {}};
    const Formats formats = formats_of(project.name, rules);
    const Pep440Version python = python_release(rules.python);
    for (const ProjectFile& offered : project.files) {
        const IndexFile& file = offered.file;
        Candidate candidate{{}, &offered, {}, 0};
        const auto reject = [&](Rejection::Reason reason, std::string detail) {
            const bool named = reason != Rejection::Reason::Name;
            out.rejected.push_back(
                {reason, file.filename, named ? std::optional(candidate.version) : std::nullopt, std::move(detail)});
        };
        if (file.filename.ends_with(".whl")) {
            auto wheel = WheelName::parse(file.filename);
            if (!wheel || wheel->name != project.name) {
                reject(Rejection::Reason::Name, wheel ? "it is a wheel of " + wheel->name : wheel.error().message());
                continue;
            }
            candidate.version = wheel->version;
            candidate.wheel = std::move(*wheel);
        } else {
            auto source = SdistName::parse(file.filename, project.name);
            if (!source) {
                reject(Rejection::Reason::Name, source.error().message());
                continue;
            }
            candidate.version = std::move(source->version);
        }
        if (candidate.wheel ? !formats.binary : !formats.source) {
            reject(Rejection::Reason::Format, candidate.wheel ? "--no-binary" : "--only-binary");
            continue;
        }
        if (candidate.wheel) {
            const auto rank = candidate.wheel->rank(rules.tags);
            if (!rank) {
                reject(Rejection::Reason::Tags, candidate.wheel->tag());
                continue;
            }
            candidate.rank = *rank;
        }
        if (!takes_python(file.requires_python, python)) {
            reject(Rejection::Reason::Python, file.requires_python);
            continue;
        }
        if (!file.sha256 && !rules.allow_unhashed && file.url.scheme() != "file") {
            reject(Rejection::Reason::Hash, "");
            continue;
        }
        out.usable.push_back(std::move(candidate));
    }
    std::ranges::stable_sort(
        out.usable, [&](const Candidate& a, const Candidate& b) { return is_better(a, b, rules.prefer_binary); });
    return out;
}

Expected<std::vector<const Candidate*>> select_candidates(const Candidates& candidates, const SpecifierSet& specifier,
                                                          const CandidateRules& rules,
                                                          const std::vector<std::string>& hashes) {
    std::vector<const Candidate*> fitting;
    bool final = false;
    for (const Candidate& candidate : candidates.usable) {
        if (!specifier.contains(candidate.version)) continue;
        final |= !candidate.version.is_prerelease();
        if (has_hash(candidate, hashes)) fitting.push_back(&candidate);
    }
    if (final && !rules.pre && !specifier.allows_prereleases())
        std::erase_if(fitting, [](const Candidate* candidate) { return candidate->version.is_prerelease(); });
    const bool all_yanked = std::ranges::all_of(fitting, &Candidate::is_yanked);
    if (!all_yanked || !pins_a_version(specifier)) std::erase_if(fitting, &Candidate::is_yanked);

    std::vector<const Candidate*> best;
    std::set<Pep440Version> versions;
    for (const Candidate* candidate : fitting) {
        if (versions.insert(candidate->version).second) best.push_back(candidate);
    }
    for (const Candidate* candidate : best) {
        if (candidate->file->dispute.empty()) continue;
        return std::unexpected(
            Error(ErrorKind::Corrupt, candidate->file->dispute)
                .with_hint("both cannot be right: name only one of the indexes, or pin the file by --hash"));
    }
    return best;
}

}  // namespace envbuild::pypi
