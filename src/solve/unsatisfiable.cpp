#include "solve/unsatisfiable.hpp"

#include <fmt/format.h>

#include "base/strings.hpp"

namespace envbuild::solve {

namespace {

using Relation = Explanation::Relation;

std::string_view to_string(Relation relation) {
    switch (relation) {
        case Relation::Asked:
            return "asked";
        case Relation::Needed:
            return "needed";
        case Relation::Case:
            return "case";
        case Relation::Needs:
            return "needs";
        case Relation::OnlyBeside:
            return "only_beside";
        case Relation::DoesNotFit:
            return "does_not_fit";
        case Relation::Excluded:
            return "excluded";
        case Relation::Missing:
            return "missing";
        case Relation::Available:
            return "available";
        case Relation::Further:
            return "further";
        case Relation::SeeAbove:
            return "see_above";
        case Relation::TooDeep:
            return "too_deep";
        case Relation::NotTogether:
            return "not_together";
        case Relation::NotThisCase:
            return "not_this_case";
    }
    return "";
}

std::vector<std::string> texts(const PackageGroup::Range& range) {
    if (range.versions > 2) return {range.lowest + " to " + range.highest};
    if (range.versions == 2) return {range.lowest, range.highest};
    return {range.lowest};
}

std::string excluded_text(const Explanation& told, bool many) {
    const auto& code = told.code;
    if (code == "cpu_build")
        return many ? "are CPU builds, and --gpu asks for a GPU build"
                    : "is a CPU build, and --gpu asks for a GPU build";
    if (code == "constraint") {
        std::vector<std::string> pins;
        for (const auto& pin : told.pins) pins.push_back(pin.to_string());
        return fmt::format("{} not fit {}", many ? "do" : "does", join(pins, ", "));
    }
    if (code == "cuda_build") return many ? "are built for a newer CUDA" : "is built for a newer CUDA";
    if (code == "hash")
        return many ? "have no file with a hash that is asked for" : "has no file with a hash that is asked for";
    if (code == "python") return many ? "do not take the target's Python" : "does not take the target's Python";
    return "cannot be read";
}

std::string demand_text(const Explanation& told) {
    const auto spec = "'" + told.spec + "', which is ";
    if (told.by.empty()) return spec + "asked";
    auto text = fmt::format("{}{} by {}", spec, told.by_constraint ? "constrained" : "needed", told.by.to_string());
    if (told.through.empty()) return text;
    text += ", for " + told.through.front();
    if (told.through.size() > 1) text += " by way of " + join({told.through.begin() + 1, told.through.end()}, ", ");
    return text;
}

// Each level is three columns wide, with lines as without: cli/ writes blanks where a terminal has no such characters.
void draw(const std::vector<Explanation>& level, const std::string& before, std::string& text) {
    for (const auto& told : level) {
        const bool last = &told == &level.back();
        text += "\n" + before + (last ? "└─ " : "├─ ") + told.line();
        draw(told.children, before + (last ? "   " : "│  "), text);
    }
}

Json to_json(const std::vector<Explanation>& level) {
    auto list = Json::array();
    for (const auto& told : level) list.push(told.to_json());
    return list;
}

void set_packages(Json& json, const PackageGroup& packages) {
    json.set("package", packages.name);
    if (packages.empty()) return;
    auto ranges = Json::array();
    for (const auto& range : packages.ranges) {
        ranges.push(range.versions == 1 ? "==" + range.lowest : fmt::format(">={},<={}", range.lowest, range.highest));
    }
    json.set("versions", packages.versions).set("ranges", std::move(ranges));
    json.set("builds", static_cast<std::int64_t>(packages.build_count));
}

std::vector<std::string> specs_of(const std::vector<ToldPin>& pins) {
    std::vector<std::string> specs;
    for (const auto& pin : pins) specs.push_back(pin.spec);
    return specs;
}

// Pin -> where it stands.
Json origins_of(const std::vector<ToldPin>& pins) {
    auto origins = Json::object();
    for (const auto& pin : pins) {
        if (!pin.origin.empty()) origins.set(pin.spec, pin.origin);
    }
    return origins;
}

}  // namespace

std::string ToldPin::to_string() const {
    if (origin.empty()) return "the constraint '" + spec + "'";
    return fmt::format("the pin '{}' ({})", spec, origin);
}

std::string PackageGroup::to_string() const {
    if (!builds.empty()) return name + " " + join(builds, ", ");
    constexpr std::size_t kShown = 5;
    std::vector<std::string> parts;
    for (const auto& range : ranges) {
        for (auto& part : texts(range)) parts.push_back(std::move(part));
    }
    auto text = name + " " + join(parts, ", ");
    if (parts.size() > kShown)
        text = fmt::format("{} {} versions from {} to {}", name, versions.size(), versions.front(), versions.back());
    return has_builds ? fmt::format("{} ({} builds)", text, build_count) : text;
}

Json PackageGroup::to_json() const {
    auto json = Json::object();
    set_packages(json, *this);
    return json;
}

std::string Explanation::line() const {
    const bool many = packages.build_count > 1;
    const auto who = [&] { return packages.to_string(); };
    switch (relation) {
        case Relation::Asked:
            return "asked: " + spec;
        case Relation::Needed:
            return "needed: " + packages.name;
        case Relation::Case:
            return "with " + who() + ":";
        case Relation::Needs:
            return fmt::format("{} {} {}", who(), many ? "need" : "needs", spec);
        case Relation::OnlyBeside:
            return fmt::format("{} {} only beside {}", who(), many ? "go" : "goes", spec);
        case Relation::DoesNotFit:
            return fmt::format("{} {} not fit {}", who(), many ? "do" : "does", demand_text(*this));
        case Relation::Excluded:
            return fmt::format("{} {}{}{}", who(), excluded_text(*this, many), reason.empty() ? "" : ": ", reason);
        case Relation::Missing:
            return "nothing provides it: " + reason;
        case Relation::Available:
            return "there are GPU builds of " + who();
        case Relation::Further:
            return packages.name.empty() ? fmt::format("and {} further reasons for other builds", count)
                                         : fmt::format("and {} more {} of {}", count,
                                                       packages.has_builds ? "builds" : "versions", packages.name);
        case Relation::SeeAbove:
            return "which cannot be had, as said above";
        case Relation::TooDeep:
            return "which cannot be had either";
        case Relation::NotTogether:
            return "what it needs cannot be had together either";
        case Relation::NotThisCase:
            return fmt::format("{} {} not taken in this case", who(), many ? "are" : "is");
    }
    return "";
}

Json Explanation::to_json() const {
    auto json = Json::object();
    json.set("relation", solve::to_string(relation)).set("text", line());
    if (!packages.name.empty()) set_packages(json, packages);
    if (!spec.empty()) json.set("spec", spec);
    if (!code.empty()) json.set("code", code);
    if (!reason.empty()) json.set("reason", reason);
    if (!pins.empty()) json.set("constraints", specs_of(pins)).set("origins", origins_of(pins));
    if (relation == Relation::DoesNotFit) {
        auto from = Json::object();
        from.set("relation", by.empty() ? "asked" : by_constraint ? "constrains" : "needs");
        if (!by.empty()) {
            set_packages(from, by);
            from.set("through", through);
        }
        json.set("by", std::move(from));
    }
    if (count > 0) json.set("count", static_cast<std::int64_t>(count));
    return json.set("children", solve::to_json(children));
}

std::string Unsatisfiable::summary() const {
    std::vector<std::string> names;
    for (const auto& spec : specs) names.push_back("'" + spec + "'");
    for (const auto& pin : constraints) names.push_back(pin.to_string());
    names.insert(names.end(), options.begin(), options.end());
    if (names.empty()) return "the target's virtual packages contradict each other";
    if (names.size() == 1) return names.front() + " cannot be installed";
    const auto last = names.back();
    names.pop_back();
    return join(names, ", ") + " and " + last + " cannot be had together";
}

std::string Unsatisfiable::to_string() const {
    auto text = summary();
    draw(tree, "", text);
    return text;
}

Json Unsatisfiable::to_json() const {
    return Json::object()
        .set("summary", summary())
        .set("specs", specs)
        .set("constraints", specs_of(constraints))
        .set("origins", origins_of(constraints))
        .set("options", options)
        .set("tree", solve::to_json(tree))
        .set("advice", advice);
}

Error Unsatisfiable::to_error() const {
    return Error(ErrorKind::Unsatisfiable, to_string()).with_hint(join(advice, "; ")).with_details(to_json().dump());
}

}  // namespace envbuild::solve
