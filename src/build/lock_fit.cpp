#include "build/lock_fit.hpp"

#include <algorithm>
#include <tuple>

#include "pypi/specifier.hpp"
#include "solve/candidates.hpp"

namespace envbuild::build {

namespace {

void hold_against(const lock::Lock& lock, const conda::MatchSpec& asked, std::vector<KeyDifference>& differences) {
    if (asked.name().starts_with("__")) return;  // the target's, which no package is
    std::string has;
    for (const auto& record : lock.conda) {
        if (!asked.matches_name(record.name)) continue;
        if (asked.matches(record) && solve::channel_matches(asked.channel(), record.channel)) return;
        has = record.dist_name();
    }
    differences.push_back({"conda", has, asked.canonical(asked.channel())});
}

void hold_against(const lock::Lock& lock, const pypi::RequirementLine& asked, std::vector<KeyDifference>& differences) {
    // What a URL, a repository or a folder gives is known by its bytes alone.
    if (asked.kind != pypi::RequirementLine::Kind::Named) return;
    const auto specifier = value_or_throw(pypi::SpecifierSet::parse(asked.specifier));
    std::string has;
    const auto fits = [&](const auto& package, const std::string& version) {
        if (pypi::normalize_name(package.name) != asked.name) return false;
        has = package.name + " " + version;
        return specifier.contains(std::string_view(version));
    };
    if (std::ranges::any_of(lock.pip, [&](const auto& package) { return fits(package, package.version); }) ||
        std::ranges::any_of(lock.conda, [&](const auto& record) { return fits(record, record.version.to_string()); }))
        return;
    differences.push_back({"pip", has, asked.canonical()});
}

}  // namespace

LockFit fit_of(const lock::Lock& lock, const Intent& intent) {
    LockFit fit;
    const auto& spec = intent.spec();
    if (lock.spec_hash.empty()) {
        for (const auto& asked : spec.conda) hold_against(lock, asked, fit.differences);
        for (const auto& asked : spec.pip) hold_against(lock, asked, fit.differences);
        std::ranges::sort(fit.differences, {}, [](const auto& one) { return std::tie(one.part, one.after); });
        fit.fits = fit.differences.empty();
        return fit;
    }
    fit.fits = lock.spec_hash == intent.hash.hex();
    if (!fit.fits && !lock.intent.empty())
        fit.differences = key_differences(value_or_throw(Json::parse(lock.intent)), spec.canonical());
    return fit;
}

}  // namespace envbuild::build
