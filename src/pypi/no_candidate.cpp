#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/shown.hpp"
#include "base/strings.hpp"
#include "pypi/candidate.hpp"

namespace envbuild::pypi {

namespace {

constexpr std::size_t kShownVersions = 8, kShownTags = 6;

// The newest of them, newest first.
std::string newest(std::vector<Pep440Version> versions) {
    std::ranges::sort(versions, [](const auto& a, const auto& b) { return a > b; });
    const auto repeated = std::ranges::unique(versions);
    versions.erase(repeated.begin(), repeated.end());
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < std::min(versions.size(), kShownVersions); ++i)
        texts.push_back(versions[i].to_string());
    if (versions.size() > kShownVersions) texts.emplace_back("…");
    return join(texts, ", ");
}

// The first of them, each once.
std::string some(const std::vector<std::string>& texts) {
    std::vector<std::string> out;
    for (const auto& text : texts) {
        if (std::ranges::find(out, text) != out.end()) continue;
        if (out.size() == kShownTags) {
            out.emplace_back("…");
            break;
        }
        out.push_back(shown(text));
    }
    return join(out, ", ");
}

std::vector<const Rejection*> of(const std::vector<const Rejection*>& rejections, Rejection::Reason reason) {
    std::vector<const Rejection*> out;
    std::ranges::copy_if(rejections, std::back_inserter(out),
                         [&](const Rejection* rejection) { return rejection->reason == reason; });
    return out;
}

std::vector<std::string> details(const std::vector<const Rejection*>& rejections) {
    std::vector<std::string> out;
    for (const auto* rejection : rejections) out.push_back(rejection->detail);
    return out;
}

std::vector<Pep440Version> versions(const std::vector<const Rejection*>& rejections) {
    std::vector<Pep440Version> out;
    for (const auto* rejection : rejections) out.push_back(*rejection->version);
    return out;
}

// Why files that the specifier takes were rejected, the reason that says most.
Error rejected_error(const std::string& asked, const std::vector<const Rejection*>& fitting,
                     const CandidateRules& rules) {
    using enum Rejection::Reason;
    if (const auto python = of(fitting, Python); !python.empty()) {
        return Error(ErrorKind::Unsatisfiable,
                     fmt::format("no release of '{}' takes Python {}: {} need{} Python {}", asked, rules.python,
                                 newest(versions(python)), python.size() == 1 ? "s" : "", some(details(python))))
            .with_hint("ask for another Python, or for an older release");
    }
    if (const auto tags = of(fitting, Tags); !tags.empty()) {
        std::vector<std::string> tried;
        for (const Tag& tag : rules.tags.tags()) tried.push_back(tag.to_string());
        const bool no_source = !of(fitting, Format).empty();
        return Error(ErrorKind::Unsatisfiable,
                     fmt::format("no wheel of '{}' fits the target: tried {}; offered {}{}", asked, some(tried),
                                 some(details(tags)),
                                 no_source ? "; source archives are ruled out by --only-binary" : ""))
            .with_hint(
                "the target's Python, machine and glibc decide which wheels fit; another base image or Python "
                "may fit more");
    }
    if (const auto format = of(fitting, Format); !format.empty()) {
        return Error(ErrorKind::Unsatisfiable,
                     fmt::format("every file of '{}' is ruled out by {}", asked, some(details(format))))
            .with_hint("take the option out, or name the packages that it is for");
    }
    return Error(ErrorKind::Unsatisfiable, fmt::format("no file of '{}' comes with a sha256", asked))
        .with_hint("what cannot be checked is not installed; use an index that gives hashes");
}

}  // namespace

Error no_candidate_error(const Candidates& candidates, const SpecifierSet& specifier, const CandidateRules& rules,
                         const std::vector<std::string>& hashes) {
    const std::string asked = candidates.name + specifier.to_string();
    std::vector<Pep440Version> known, yanked, prereleases;
    bool fits = false;
    for (const Candidate& candidate : candidates.usable) {
        known.push_back(candidate.version);
        if (!specifier.contains(candidate.version)) continue;
        fits = true;
        if (candidate.is_yanked()) yanked.push_back(candidate.version);
    }
    if (fits && !yanked.empty()) {
        return Error(ErrorKind::Unsatisfiable,
                     fmt::format("all that fits '{}' was yanked by its authors: {}", asked, newest(yanked)))
            .with_hint(fmt::format("pin it to take it all the same: {}=={}", candidates.name,
                                   std::ranges::max(yanked).to_string()));
    }
    if (fits && !hashes.empty())
        return Error(ErrorKind::Unsatisfiable,
                     fmt::format("no file of '{}' has one of the hashes of its --hash", asked))
            .with_hint("the hashes may be those of files for another platform");
    std::vector<const Rejection*> fitting;
    for (const Rejection& rejection : candidates.rejected) {
        if (rejection.version) known.push_back(*rejection.version);
        if (rejection.version && specifier.contains(*rejection.version)) fitting.push_back(&rejection);
    }
    if (!fitting.empty()) return rejected_error(asked, fitting, rules);
    if (known.empty())
        return Error(ErrorKind::Unsatisfiable, fmt::format("the index has '{}', and no file of it", candidates.name));
    return Error(ErrorKind::Unsatisfiable,
                 fmt::format("no release fits '{}'; there are {}", asked, newest(std::move(known))));
}

}  // namespace envbuild::pypi
