#include "solve/explanation_tree.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "solve/propagation.hpp"

namespace envbuild::solve {

namespace {

using Kind = Propagation::Reason::Kind;
using Relation = Explanation::Relation;
using Tree = std::vector<Explanation>;

std::size_t at(int index) {
    return static_cast<std::size_t>(index);
}

Explanation line(Relation relation) {
    Explanation line;
    line.relation = relation;
    return line;
}

class TreeBuilder {
  public:
    TreeBuilder(const Problem& problem, ExplanationWords& words) : problem_(problem), words_(words) {}

    Tree build() {
        const Propagation propagation(problem_);
        return propagation.consistent() ? branch(propagation) : failure(propagation);
    }

  private:
    static constexpr int kDeepest = 6;
    static constexpr std::size_t kBranches = 3, kReasons = 4;

    // No single step decides: each way to go is followed until it ends.
    Tree branch(const Propagation& propagation) {
        Tree tree;
        int choice = -1;
        std::size_t fewest = 0;
        for (const auto group : propagation.present_groups()) {
            const auto ways = propagation.left(group).size();
            if (ways > 1 && (choice < 0 || ways < fewest)) choice = group, fewest = ways;
        }
        if (choice < 0) return tree;
        for (const auto package : propagation.left(choice)) {
            if (tree.size() == kBranches) {
                auto& more = tree.emplace_back(line(Relation::Further));
                more.packages.name = problem_.groups[at(choice)].text;
                more.count = fewest - kBranches;
                break;
            }
            auto way = propagation;
            const bool goes_on = way.restrict(choice, {package});
            auto told = line(Relation::Case);
            told.packages = words_.packages({package});
            if (goes_on) {
                told.children.push_back(line(Relation::NotTogether));
            } else {
                explained_.clear();
                told.children = failure(way);
            }
            tree.push_back(std::move(told));
        }
        return tree;
    }

    // Nothing is left of a name that must be in.
    Tree failure(const Propagation& propagation) {
        Tree tree;
        const auto group = propagation.failed_group();
        // Of a name that is asked for, only what fits the request is worth a word.
        auto packages = problem_.groups[at(group)].packages;
        int missing = -1;
        for (const auto root : problem_.roots) {
            const auto& set = problem_.sets[at(root)];
            if (set.group != group) continue;
            auto& asked = tree.emplace_back(line(Relation::Asked));
            asked.packages.name = problem_.groups[at(group)].text;
            asked.spec = words_.spec(root);
            packages = set.packages;
            if (missing < 0 && packages.empty()) {
                missing = root;
                asked.children = {words_.missing(root)};
            }
        }
        if (missing >= 0) return tree;
        if (tree.empty()) {
            tree.push_back(line(Relation::Needed));
            tree.back().packages.name = problem_.groups[at(group)].text;
        }
        auto& below = tree.back().children;
        below = reasons(propagation, packages, 2, true);
        const auto is_cpu = [&](int package) { return problem_.excluded[at(package)] == Problem::Excluded::CpuBuild; };
        if (std::all_of(packages.begin(), packages.end(), is_cpu)) gpu_builds(group, below);
        return tree;
    }

    // Why each of the packages is out, alike reasons together. What merely is not what was asked for says nothing new
    // at the top.
    Tree reasons(const Propagation& propagation, const std::vector<int>& packages, int depth, bool top) {
        std::map<std::tuple<Kind, int, int, int>, std::vector<int>> alike;
        for (const auto package : packages) {
            const auto& reason = propagation.reason(package);
            const auto excluded = static_cast<int>(problem_.excluded[at(package)]);
            alike[{reason.kind, reason.set, reason.group, excluded}].push_back(package);
        }
        if (top && alike.size() > 1) {
            std::erase_if(alike, [](const auto& entry) {
                return std::get<0>(entry.first) == Kind::Required && std::get<2>(entry.first) < 0;
            });
        }
        std::vector<const std::vector<int>*> order;
        for (const auto& entry : alike) order.push_back(&entry.second);
        std::stable_sort(order.begin(), order.end(),
                         [](const auto* a, const auto* b) { return a->front() < b->front(); });
        Tree tree;
        for (std::size_t i = 0; i < order.size(); ++i) {
            if (i == kReasons && order.size() > kReasons + 1) {
                tree.push_back(line(Relation::Further));
                tree.back().count = order.size() - i;
                break;
            }
            if (propagation.reason(order[i]->front()).kind != Kind::Alive)
                tree.push_back(reason(propagation, *order[i], depth));
        }
        return tree;
    }

    Explanation reason(const Propagation& propagation, const std::vector<int>& packages, int depth) {
        const auto& reason = propagation.reason(packages.front());
        Explanation told;
        told.packages = words_.packages(packages);
        switch (reason.kind) {
            case Kind::Excluded:
                told.relation = Relation::Excluded;
                words_.say_excluded(packages, told);
                break;
            case Kind::Unmet:
            case Kind::Bars:
                told.relation = reason.kind == Kind::Unmet ? Relation::Needs : Relation::OnlyBeside;
                told.spec = words_.spec(reason.set);
                told.children = unmet(propagation, reason.set, depth + 1);
                break;
            case Kind::Required:
            case Kind::Barred:
                told.relation = Relation::DoesNotFit;
                told.spec = words_.spec(reason.set);
                told.by_constraint = reason.kind == Kind::Barred;
                if (reason.group >= 0) demanded_by(propagation, reason.group, told);
                break;
            case Kind::Restricted:
            case Kind::Alive:
                told.relation = Relation::NotThisCase;
                break;
        }
        return told;
    }

    // What the request would have to fit.
    void gpu_builds(int group, Tree& tree) const {
        std::vector<int> builds;
        for (const auto package : problem_.groups[at(group)].packages) {
            if (problem_.excluded[at(package)] == Problem::Excluded::No) builds.push_back(package);
        }
        if (builds.empty()) return;
        tree.push_back(line(Relation::Available));
        tree.back().packages = words_.packages(builds);
    }

    void demanded_by(const Propagation& propagation, int group, Explanation& told) const {
        const auto left = propagation.left(group);
        // Where nothing is left of it either, all that there was of it said so.
        told.by = words_.packages(left.empty() ? problem_.groups[at(group)].packages : left);
        told.through = way_to(propagation, group);
    }

    // The names from what is asked to the group, which every package of the name before needs: the shortest such way,
    // without the group itself.
    std::vector<std::string> way_to(const Propagation& propagation, int group) const {
        std::map<int, int> before;  // group -> which needs it
        std::vector<int> order;
        for (const auto root : problem_.roots) {
            const auto asked = problem_.sets[at(root)].group;
            if (before.emplace(asked, -1).second) order.push_back(asked);
        }
        for (std::size_t i = 0; i < order.size() && !before.contains(group); ++i) {
            const auto left = propagation.left(order[i]);
            std::map<int, std::size_t> needing;
            for (const auto package : left) {
                std::set<int> needed;
                for (const auto set : problem_.needs[at(package)]) needed.insert(problem_.sets[at(set)].group);
                for (const auto one : needed) ++needing[one];
            }
            for (const auto& [needed, count] : needing) {
                if (count == left.size() && before.emplace(needed, order[i]).second) order.push_back(needed);
            }
        }
        std::vector<std::string> names;
        const auto found = before.find(group);
        for (auto at_group = found == before.end() ? -1 : found->second; at_group >= 0; at_group = before.at(at_group))
            names.insert(names.begin(), problem_.groups[at(at_group)].text);
        return names;
    }

    // Why none of a set is left.
    Tree unmet(const Propagation& propagation, int set, int depth) {
        const auto& packages = problem_.sets[at(set)].packages;
        if (packages.empty()) return {words_.missing(set)};
        if (depth > kDeepest) return {line(Relation::TooDeep)};
        if (!explained_.insert(set).second) return {line(Relation::SeeAbove)};
        return reasons(propagation, packages, depth, false);
    }

    const Problem& problem_;
    ExplanationWords& words_;
    std::set<int> explained_;
};

}  // namespace

std::vector<Explanation> explanation_tree(const Problem& problem, ExplanationWords& words) {
    return TreeBuilder(problem, words).build();
}

}  // namespace envbuild::solve
