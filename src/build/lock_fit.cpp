#include "build/lock_fit.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>

#include "pypi/marker.hpp"
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

// What pip's half of another tool's lock says, and what conda's half gives to it.
class PipHalf {
  public:
    PipHalf(const lock::Lock& lock, const catalog::PypiNames& names) {
        for (const auto& package : lock.pip) versions_[package.name] = package.version;
        for (const auto& record : lock.conda) {
            for (const auto& name : names.of(record)) versions_[name] = record.version.to_string();
        }
        auto made = pypi::MarkerEnvironment::cpython_on_linux(lock.python_version, lock.platform.machine());
        if (made) environment_ = *std::move(made);
    }

    void hold_against(const pypi::RequirementLine& asked, bool must_be_there,
                      std::vector<KeyDifference>& differences) const {
        // What a URL, a repository or a folder gives is known by its bytes alone.
        if (asked.kind != pypi::RequirementLine::Kind::Named || !holds(asked.marker)) return;
        const auto found = versions_.find(asked.name);
        if (found == versions_.end() && !must_be_there) return;
        const auto specifier = value_or_throw(pypi::SpecifierSet::parse(asked.specifier));
        if (found != versions_.end() && specifier.contains(std::string_view(found->second))) return;
        const auto has = found == versions_.end() ? std::string() : found->first + " " + found->second;
        differences.push_back({"pip", has, asked.canonical()});
    }

  private:
    [[nodiscard]] bool holds(const std::string& text) const {
        if (text.empty() || !environment_) return true;
        const auto marker = pypi::Marker::parse(text);
        return !marker || marker->evaluate(*environment_).value_or(true);
    }

    std::map<std::string, std::string> versions_;  // by normalised name
    std::optional<pypi::MarkerEnvironment> environment_;
};

}  // namespace

LockFit fit_of(const lock::Lock& lock, const Intent& intent, const catalog::PypiNames& names) {
    LockFit fit;
    const auto& spec = intent.spec();
    if (lock.spec_hash.empty()) {
        for (const auto& asked : spec.conda) hold_against(lock, asked, fit.differences);
        const PipHalf pip(lock, names);
        for (const auto& asked : spec.pip) pip.hold_against(asked, true, fit.differences);
        for (const auto& text : spec.pip_constraints) {
            if (const auto asked = pypi::parse_requirement(text)) pip.hold_against(*asked, false, fit.differences);
        }
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
