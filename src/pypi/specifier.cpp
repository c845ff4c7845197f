#include "pypi/specifier.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/strings.hpp"

namespace envbuild::pypi {

namespace {

std::unexpected<Error> bad_clause(std::string_view clause, std::string_view reason) {
    return fail(ErrorKind::InvalidInput, fmt::format("'{}' {}", clause, reason));
}

Expected<SpecifierSet::Clause> parse_clause(std::string_view text) {
    std::string_view op;
    for (const std::string_view candidate : {"===", "==", "!=", "<=", ">=", "~=", "<", ">"}) {
        if (text.starts_with(candidate)) {
            op = candidate;
            break;
        }
    }
    if (op.empty()) {
        if (text.starts_with('=')) return bad_clause(text, "has a single '=', which pip does not know; write '=='");
        return bad_clause(text, "is not a version specifier; it begins with ==, >=, <=, !=, ~=, <, > or ===");
    }
    const auto written = trim(text.substr(op.size()));
    if (written.empty()) return bad_clause(text, "names no version");
    if (op == "===") {
        if (written.find_first_of(" \t;)") != std::string_view::npos)
            return bad_clause(text, "is not a version specifier");
        return SpecifierSet::Clause{std::string(op), std::string(written)};
    }
    const bool wild = written.ends_with(".*");
    if (wild && op != "==" && op != "!=") return bad_clause(text, "has '.*', which only == and != take");
    const auto version = Pep440Version::parse(wild ? written.substr(0, written.size() - 2) : written);
    if (!version) {
        if (written.starts_with('=')) return bad_clause(text, "has too many '='");
        return bad_clause(text, "is not a version specifier: " + version.error().message());
    }
    const std::string normal = version->to_string();
    if (wild && (version->is_prerelease() || version->has_local() || normal.find("post") != std::string::npos)) {
        return bad_clause(text, "has '.*' after more than release numbers");
    }
    if (op == "~=" && version->release().size() < 2) return bad_clause(text, "needs at least two numbers, as in ~=1.4");
    if (version->has_local() && op != "==" && op != "!=") {
        return bad_clause(text, "has a local version (+…), which only == and != take");
    }
    return SpecifierSet::Clause{std::string(op), normal + (wild ? ".*" : "")};
}

}  // namespace

Expected<SpecifierSet> SpecifierSet::parse(std::string_view text) {
    SpecifierSet set;
    for (const auto piece : split(text, ',')) {
        const auto clause = trim(piece);
        if (clause.empty()) continue;
        auto parsed = parse_clause(clause);
        if (!parsed) return std::unexpected(std::move(parsed.error()));
        set.clauses_.push_back(std::move(*parsed));
    }
    std::ranges::sort(set.clauses_);
    const auto repeated = std::ranges::unique(set.clauses_);
    set.clauses_.erase(repeated.begin(), repeated.end());
    for (const auto& clause : set.clauses_) set.bounds_.push_back(bound_of(clause));
    return set;
}

SpecifierSet::Bound SpecifierSet::bound_of(const Clause& clause) {
    const bool wild = clause.version.ends_with(".*");
    const auto op_of = [&] {
        if (clause.op == "==") return wild ? Op::Prefix : Op::Equal;
        if (clause.op == "!=") return wild ? Op::NotPrefix : Op::NotEqual;
        if (clause.op == "<=") return Op::AtMost;
        if (clause.op == ">=") return Op::AtLeast;
        if (clause.op == "<") return Op::Below;
        if (clause.op == ">") return Op::Above;
        return clause.op == "~=" ? Op::Compatible : Op::Text;
    };
    Bound bound{op_of(), std::nullopt, ""};
    if (bound.op == Op::Text) bound.text = to_lower(clause.version);
    const auto text = std::string_view(clause.version);
    const bool prefix = bound.op == Op::Prefix || bound.op == Op::NotPrefix;
    if (auto version = Pep440Version::parse(prefix ? text.substr(0, text.size() - 2) : text))
        bound.version = std::move(*version);
    return bound;
}

bool SpecifierSet::takes(const Bound& bound, const Pep440Version& version) {
    const Pep440Version& limit = *bound.version;
    const auto equal = [&] { return limit.has_local() ? version == limit : version.compare_public(limit) == 0; };
    switch (bound.op) {
        case Op::Equal:
            return equal();
        case Op::NotEqual:
            return !equal();
        case Op::Prefix:
            return version.has_release_prefix(limit, limit.release_.size());
        case Op::NotPrefix:
            return !version.has_release_prefix(limit, limit.release_.size());
        case Op::AtMost:
            return version.compare_public(limit) <= 0;
        case Op::AtLeast:
            return version.compare_public(limit) >= 0;
        case Op::Compatible:
            return version.compare_public(limit) >= 0 && version.has_release_prefix(limit, limit.release_.size() - 1);
        case Op::Below: {
            if (limit.is_prerelease()) return version.compare_public(limit) < 0;
            // Not the limit's own pre-releases, of which .dev0 is the first.
            Pep440Version first = limit;
            first.dev_ = "0";
            return version.compare_public(first) < 0;
        }
        case Op::Above:
            // Not the limit's own post-releases, unless it is one.
            return version.compare_public(limit) > 0 &&
                   (limit.post_ || limit.dev_ || !version.is_postrelease_of(limit));
        case Op::Text:
            break;
    }
    return false;
}

bool SpecifierSet::contains(const Pep440Version& version) const {
    return std::ranges::all_of(bounds_, [&](const Bound& bound) {
        return bound.op == Op::Text ? to_lower(version.to_string()) == bound.text : takes(bound, version);
    });
}

bool SpecifierSet::contains(std::string_view written) const {
    const auto version = Pep440Version::parse(written);
    return std::ranges::all_of(bounds_, [&](const Bound& bound) {
        return bound.op == Op::Text ? to_lower(trim(written)) == bound.text : version && takes(bound, *version);
    });
}

bool SpecifierSet::allows_prereleases() const {
    return std::ranges::any_of(bounds_, [](const Bound& bound) {
        const bool names_one = bound.op != Op::NotEqual && bound.op != Op::NotPrefix && bound.op != Op::Prefix &&
                               bound.op != Op::Below && bound.op != Op::Above;
        return names_one && bound.version && bound.version->is_prerelease();
    });
}

std::vector<std::size_t> SpecifierSet::filter(const std::vector<Pep440Version>& versions,
                                              std::optional<bool> prereleases) const {
    if (!prereleases && allows_prereleases()) prereleases = true;
    std::vector<std::size_t> taken, finals;
    for (std::size_t i = 0; i < versions.size(); ++i) {
        if (!contains(versions[i])) continue;
        taken.push_back(i);
        if (!versions[i].is_prerelease()) finals.push_back(i);
    }
    if (prereleases) return *prereleases ? taken : finals;
    return finals.empty() ? taken : finals;
}

std::string SpecifierSet::to_string() const {
    std::vector<std::string> parts;
    parts.reserve(clauses_.size());
    for (const auto& clause : clauses_) parts.push_back(clause.op + clause.version);
    return join(parts, ",");
}

}  // namespace envbuild::pypi
