#include "solve/pip_explain.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <tuple>

#include "base/strings.hpp"
#include "solve/explanation_tree.hpp"
#include "solve/pip_reached.hpp"

namespace envbuild::solve {

namespace {

using Kind = PipReached::Kind;
using Group = PipReached::Group;

std::size_t at(int index) {
    return static_cast<std::size_t>(index);
}

// Indices into PipProjects::asked() and constraints().
struct Parts {
    std::vector<std::size_t> asked, constraints;
};

// The fewest parts that have no answer: each is left out in turn, and stays out where the rest still has none.
Parts smallest(PipProjects& projects, const CancelToken& cancel) {
    Parts parts;
    parts.asked.resize(projects.asked().size());
    std::iota(parts.asked.begin(), parts.asked.end(), 0);
    parts.constraints.resize(projects.constraints().size());
    std::iota(parts.constraints.begin(), parts.constraints.end(), 0);
    PipReached reached(projects, PipReached::Asked::Assumptions);
    const auto has_answer = [&] {
        std::vector<Literal> assumptions;
        for (const auto i : parts.constraints) assumptions.push_back(reached.constraint_literal(i));
        for (const auto i : parts.asked) {
            for (const auto literal : reached.asked_literals(i)) assumptions.push_back(literal);
        }
        return reached.search().solve(assumptions, cancel);
    };
    for (auto* list : {&parts.constraints, &parts.asked}) {
        for (std::size_t i = list->size(); i-- > 0;) {
            if (parts.asked.size() + parts.constraints.size() == 1) return parts;
            cancel.throw_if_cancelled();
            const auto part = (*list)[i];
            list->erase(list->begin() + static_cast<std::ptrdiff_t>(i));
            if (has_answer()) list->insert(list->begin() + static_cast<std::ptrdiff_t>(i), part);
        }
    }
    return parts;
}

// Groups that the search looks at until it knows that the parts have no answer.
std::set<Group> groups_of_proof(PipProjects& projects, const Parts& parts, const CancelToken& cancel) {
    PipReached reached(projects, PipReached::Asked::Assumptions);
    for (const auto i : parts.constraints) reached.search().add_fact(reached.constraint_literal(i));
    for (const auto i : parts.asked) {
        for (const auto literal : reached.asked_literals(i)) reached.search().add_fact(literal);
    }
    if (reached.search().solve({}, cancel)) throw Error(ErrorKind::Bug, "what has an answer was to be explained");
    std::set<Group> groups;
    for (int id = 0; id < reached.groups(); ++id) {
        if (reached.search().is_loaded(id)) groups.insert(reached.group(id));
    }
    return groups;
}

// The parts as a problem: projects and extras, whose packages are versions. What no search read has no needs in it.
class ProblemBuilder {
  public:
    struct Set {
        int spec = -1;  // none: any version
        int project = 0;
        std::string extra;
        auto operator<=>(const Set&) const = default;
    };
    Problem problem;
    std::vector<Set> sets;                      // of the problem's sets
    std::vector<std::pair<int, int>> versions;  // package -> project, place

    ProblemBuilder(PipProjects& projects, const Parts& parts, std::set<Group> groups)
        : projects_(projects), groups_(std::move(groups)) {
        for (const auto i : parts.constraints) constraints_.push_back(projects.constraints()[i].need.spec);
        for (const auto i : parts.asked) {
            const auto& need = projects.asked()[i].need;
            reach({.project = projects.spec_project(need.spec)});
            for (const auto& extra : need.extras)
                reach({.kind = Kind::Extra, .project = projects.spec_project(need.spec), .extra = extra});
        }
        for (std::size_t next = 0; next < queue_.size();) load(Group(queue_[next++]));  // which reaches more
        for (const auto i : parts.asked) {
            for (const auto set : sets_of(projects.asked()[i].need)) problem.roots.push_back(set);
        }
        problem.needs.resize(problem.size());
        problem.bars.resize(problem.size());
        for (std::size_t package = 0; package < problem.size(); ++package) {
            if (problem.excluded[package] == Problem::Excluded::No) problem.needs[package] = needs_of(package);
        }
    }

  private:
    void reach(const Group& group) {
        if (id_of_.emplace(group, static_cast<int>(queue_.size())).second) queue_.push_back(group);
    }
    void reach(const PipProjects::Need& need) {
        const auto project = projects_.spec_project(need.spec);
        if (const Group group{.project = project}; groups_.contains(group)) reach(group);
        for (const auto& extra : need.extras) {
            if (const Group group{.kind = Kind::Extra, .project = project, .extra = extra}; groups_.contains(group))
                reach(group);
        }
    }

    std::vector<PipProjects::Need> all_needs(const Group& group, int place) {
        const auto& version = projects_.version(group.project, place);
        if (!version.read) return {};
        if (group.kind == Kind::Project) return version.needs;
        return projects_.extra_needs(group.project, place, group.extra);
    }

    Problem::Excluded exclusion(const Group& group, int place) {
        const auto& version = projects_.version(group.project, place);
        if (version.code == "cpu_build") return Problem::Excluded::CpuBuild;
        if (!version.code.empty()) return Problem::Excluded::Other;
        if (!version.fault.empty()) return Problem::Excluded::Broken;
        for (const auto constraint : constraints_) {
            if (projects_.spec_project(constraint) != group.project) continue;
            const auto& fitting = projects_.spec(constraint).versions;
            if (std::ranges::find(fitting, place) == fitting.end()) return Problem::Excluded::Constraint;
        }
        return Problem::Excluded::No;
    }

    void load(const Group& group) {
        const auto id = id_of_.at(group);
        const auto bracket = group.extra.empty() ? std::string() : "[" + group.extra + "]";
        problem.groups.push_back({group.project, projects_.name(group.project) + bracket, false, {}});
        const auto size = static_cast<int>(projects_.project(group.project).versions.size());
        for (int place = 0; place < size; ++place) {
            problem.groups.back().packages.push_back(static_cast<int>(problem.size()));
            problem.universe_package.push_back(place);
            problem.group_of.push_back(id);
            versions.emplace_back(group.project, place);
            problem.excluded.push_back(exclusion(group, place));
            if (problem.excluded.back() != Problem::Excluded::No) continue;
            if (group.kind == Kind::Extra) reach({.project = group.project});
            for (const auto& need : all_needs(group, place)) reach(need);
        }
    }

    int set_of(const Set& set, const Group& group) {
        const auto [found, added] = set_ids_.emplace(set, static_cast<int>(sets.size()));
        if (!added) return found->second;
        sets.push_back(set);
        auto& made = problem.sets.emplace_back();
        made.spec = found->second;
        made.group = id_of_.at(group);
        const auto& all = problem.groups[at(made.group)].packages;
        if (set.spec < 0) {
            made.packages = all;
        } else {
            for (const auto place : projects_.spec(set.spec).versions) made.packages.push_back(all[at(place)]);
        }
        return found->second;
    }

    std::vector<int> sets_of(const PipProjects::Need& need) {
        std::vector<int> made;
        const auto project = projects_.spec_project(need.spec);
        if (const Group group{.project = project}; id_of_.contains(group))
            made.push_back(set_of({need.spec, project, ""}, group));
        for (const auto& extra : need.extras) {
            if (const Group group{.kind = Kind::Extra, .project = project, .extra = extra}; id_of_.contains(group))
                made.push_back(set_of({-1, project, extra}, group));
        }
        return made;
    }

    std::vector<int> needs_of(std::size_t package) {
        const auto group = queue_[at(problem.group_of[package])];
        const auto place = versions[package].second;
        std::vector<int> needs;
        if (group.kind == Kind::Extra)
            needs.push_back(
                set_of({projects_.exact_spec(group.project, place), group.project, ""}, {.project = group.project}));
        for (const auto& need : all_needs(group, place)) {
            for (const auto set : sets_of(need)) needs.push_back(set);
        }
        return needs;
    }

    PipProjects& projects_;
    const std::set<Group> groups_;
    std::vector<Group> queue_;
    std::map<Group, int> id_of_;
    std::map<Set, int> set_ids_;
    std::vector<int> constraints_;  // specs
};

class PipExplainer : public ExplanationWords {
  public:
    PipExplainer(PipProjects& projects, const Parts& parts, const CancelToken& cancel)
        : projects_(projects), parts_(parts), built_(projects, parts, groups_of_proof(projects, parts, cancel)) {}

    Unsatisfiable explain() {
        Unsatisfiable told;
        told.tree = explanation_tree(built_.problem, *this);
        for (const auto i : parts_.asked) told.specs.push_back(projects_.asked()[i].text);
        for (const auto i : parts_.constraints) told.constraints.push_back({projects_.constraints()[i].text, ""});
        if (cpu_build_) told.options.emplace_back("--gpu");
        for (auto& text : advice_) {
            if (std::ranges::find(told.advice, text) == told.advice.end()) told.advice.push_back(std::move(text));
        }
        return told;
    }

    PackageGroup packages(const std::vector<int>& packages) override {
        PackageGroup group;
        if (packages.empty()) return group;
        group.name = built_.problem.groups[at(built_.problem.group_of[at(packages.front())])].text;
        group.has_builds = false;
        group.build_count = packages.size();
        const auto id = built_.versions[at(packages.front())].first;
        const auto& project = projects_.project(id);
        std::set<int> told;
        for (const auto package : packages) told.insert(built_.versions[at(package)].second);
        std::vector<int> order(project.versions.size());
        std::iota(order.begin(), order.end(), 0);
        std::ranges::stable_sort(
            order, [&](int a, int b) { return project.versions[at(a)].version < project.versions[at(b)].version; });
        bool joined = false;
        for (const auto place : order) {
            const bool in = told.contains(place);
            const auto text = project.versions[at(place)].version.to_string();
            if (in) group.versions.push_back(text);
            if (in && joined) {
                group.ranges.back().highest = text;
                ++group.ranges.back().versions;
            } else if (in) {
                group.ranges.push_back({text, text});
            }
            joined = in;
        }
        if (project.source == PipProjects::Source::Provided)
            group.builds = {fmt::format("{} ({})", group.versions.front(), by(project))};
        return group;
    }

    std::string spec(int set) override {
        const auto& of = built_.sets[at(set)];
        if (of.spec < 0) return fmt::format("{}[{}]", projects_.name(of.project), of.extra);
        return projects_.spec_text(of.spec);
    }

    Explanation missing(int set) override {
        Explanation told;
        told.relation = Explanation::Relation::Missing;
        const auto& of = built_.sets[at(set)];
        const auto& project = projects_.project(of.project);
        const auto specifier = of.spec < 0 ? pypi::SpecifierSet() : projects_.spec(of.spec).specifier;
        if (project.source == PipProjects::Source::Provided) {
            told.code = "provided";
            told.reason = fmt::format("{} is {}, and stays", by(project), project.versions.front().version.to_string());
            advice_.push_back(
                fmt::format("ask conda for a {} that fits, or take it out of conda's dependencies and leave it to pip",
                            project.name));
            return told;
        }
        if (project.source == PipProjects::Source::Direct) {
            told.code = "direct";
            told.reason = fmt::format("'{}' is {}", projects_.request().direct[project.index].text,
                                      project.versions.front().version.to_string());
            return told;
        }
        const bool absent = !project.pages->known && project.pages->files.empty();
        const auto error =
            absent ? projects_.provider().absent_error(*project.pages)
                   : pypi::no_candidate_error(project.candidates, specifier, projects_.request().rules, project.hashes);
        told.code = absent ? "no_such_name" : "no_such_version";
        told.reason = error.message();
        if (!error.hint().empty()) advice_.push_back(error.hint());
        return told;
    }

    void say_excluded(const std::vector<int>& packages, Explanation& told) override {
        const auto [project, place] = built_.versions[at(packages.front())];
        const auto& version = projects_.version(project, place);
        switch (built_.problem.excluded[at(packages.front())]) {
            case Problem::Excluded::Constraint:
                told.code = "constraint";
                for (const auto i : parts_.constraints) {
                    const auto& constraint = projects_.constraints()[i];
                    if (projects_.spec_project(constraint.need.spec) == project)
                        told.pins.push_back({constraint.text, ""});
                }
                return;
            case Problem::Excluded::Broken:
                told.code = "broken";
                told.reason = version.fault;
                return;
            case Problem::Excluded::CpuBuild:
                cpu_build_ = true;
                advice_.push_back(fmt::format(
                    "--gpu takes no CPU build: name the index that has the CUDA builds (--extra-index-url), or allow "
                    "the CPU build by naming it ({}=={})",
                    projects_.name(project), version.version.to_string()));
                break;
            case Problem::Excluded::Other:
            case Problem::Excluded::No:
                break;
        }
        told.code = version.code;
        told.reason = version.reason;
        if (version.code == "cuda_build")
            advice_.emplace_back("if the node's driver offers more, say so with --target-cuda VERSION");
    }

  private:
    const std::string& by(const PipProjects::Project& project) const {
        return projects_.request().provided[project.index].by;
    }

    PipProjects& projects_;
    const Parts& parts_;
    ProblemBuilder built_;
    std::vector<std::string> advice_;
    bool cpu_build_ = false;
};

}  // namespace

Unsatisfiable explain_pip(PipProjects& projects, const CancelToken& cancel) {
    const auto parts = smallest(projects, cancel);
    return PipExplainer(projects, parts, cancel).explain();
}

}  // namespace envbuild::solve
