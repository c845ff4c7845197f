#include "solve/explain.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "solve/describe.hpp"
#include "solve/gpu_constraint.hpp"
#include "solve/propagation.hpp"
#include "solve/reached_request.hpp"

namespace envbuild::solve {

namespace {

using Kind = Propagation::Reason::Kind;

// Which parts of a request contradict each other. Parts that do not ask for GPU builds share one search, which keeps
// what it learns from one question to the next and says which parts a "no" rests on.
class Contradiction {
  public:
    Contradiction(Universe& universe, const CancelToken& cancel) : universe_(universe), cancel_(cancel) {}

    // The fewest parts that have no answer: each is left out in turn, and stays out where the rest still has none.
    ProblemParts smallest() {
        auto parts = ProblemParts::all(universe_.request());
        // What is explained has no answer as a whole: a single part need not be asked about again.
        if (!parts.gpu && parts.constraints.size() + parts.specs.size() == 1) return parts;
        const bool gpu = parts.gpu;
        parts.gpu = false;
        parts.gpu = has_answer(parts) && gpu;
        for (auto* list : {&parts.constraints, &parts.specs}) {
            for (std::size_t i = list->size(); i-- > 0;) {
                const auto part = (*list)[i];
                const bool matters = parts.gpu || rests_on(list == &parts.specs, part);
                list->erase(list->begin() + static_cast<std::ptrdiff_t>(i));
                if (matters && has_answer(parts)) list->insert(list->begin() + static_cast<std::ptrdiff_t>(i), part);
            }
        }
        return parts;
    }

  private:
    bool has_answer(const ProblemParts& parts) {
        cancel_.throw_if_cancelled();
        if (parts.gpu) return is_satisfiable(universe_, parts, cancel_);
        if (!shared_) shared_.emplace(universe_, parts, ReachedRequest::Asked::Assumptions);
        std::vector<Literal> assumptions;
        for (const auto i : parts.constraints) assumptions.push_back(shared_->constraint_literal(i));
        for (const auto i : parts.specs) assumptions.push_back(shared_->spec_literal(i));
        if (shared_->search().solve(assumptions, cancel_)) return true;
        core_ = shared_->search().core();
        return false;
    }

    // Whether the last "no" needs the part.
    bool rests_on(bool is_spec, int part) {
        const auto literal = is_spec ? shared_->spec_literal(part) : shared_->constraint_literal(part);
        return std::find(core_.begin(), core_.end(), literal) != core_.end();
    }

    Universe& universe_;
    const CancelToken& cancel_;
    std::optional<ReachedRequest> shared_;
    std::vector<Literal> core_;
};

// Names that the search looks at until it knows that the parts have no answer: the reasons lie there, and all that the
// request could reach would be most of a channel.
std::set<int> names_of_proof(Universe& universe, const ProblemParts& parts, const CancelToken& cancel) {
    ReachedRequest reached(universe, parts);
    if (reached.search().solve({}, cancel)) throw Error(ErrorKind::Bug, "what has an answer was to be explained");
    const auto names = reached.loaded_names();
    return {names.begin(), names.end()};
}

class Explainer {
  public:
    Explainer(Universe& universe, const ProblemParts& parts, const CancelToken& cancel)
        : universe_(universe),
          parts_(parts),
          cancel_(cancel),
          problem_(build_problem(universe, parts, names_of_proof(universe, parts, cancel))) {}

    Unsatisfiable explain() {
        const Propagation propagation(problem_);
        Unsatisfiable told;
        told.tree = propagation.consistent() ? branch(propagation) : failure(propagation);
        const auto& request = universe_.request();
        for (const auto i : parts_.specs) told.specs.push_back(describe_spec(request.specs[at(i)]));
        for (const auto i : parts_.constraints) {
            const auto& pin = request.constraints[at(i)];
            told.constraints.push_back({describe_spec(pin.spec), pin.origin});
            if (!pin.origin.empty() && pin.origin != "--pin")
                advice_.push_back("--no-pin leaves out the pins of " + pin.origin);
        }
        if (parts_.gpu) {
            told.options.emplace_back("--gpu");
            advice_.emplace_back(
                "--gpu takes no CPU build of a package that has GPU builds: to allow one, name it (such as '" +
                cpu_example() + "')");
        }
        // Another target is worth a word only where it would help.
        auto elsewhere = parts_;
        elsewhere.virtual_packages = false;
        if (!target_advice_.empty() && is_satisfiable(universe_, elsewhere, cancel_)) {
            advice_.insert(advice_.begin(), target_advice_.begin(), target_advice_.end());
        }
        for (auto& text : advice_) {
            if (std::find(told.advice.begin(), told.advice.end(), text) == told.advice.end())
                told.advice.push_back(std::move(text));
        }
        return told;
    }

  private:
    using Relation = Explanation::Relation;
    using Tree = std::vector<Explanation>;
    static constexpr int kDeepest = 6;
    static constexpr std::size_t kBranches = 3, kReasons = 4;
    static std::size_t at(int index) { return static_cast<std::size_t>(index); }

    static Explanation line(Relation relation) {
        Explanation line;
        line.relation = relation;
        return line;
    }

    std::string cpu_example() const {
        for (const auto& group : problem_.groups) {
            for (const auto package : group.packages) {
                if (problem_.excluded[at(package)] == Problem::Excluded::CpuBuild) return group.text + "=*=*cpu*";
            }
        }
        return "pytorch=*=*cpu*";
    }

    PackageGroup described(const std::vector<int>& packages) const {
        std::vector<int> ids;
        for (const auto package : packages) ids.push_back(problem_.universe_package[at(package)]);
        return describe_packages(universe_, ids);
    }

    std::string spec_text(int set) const { return describe_spec(universe_.spec(problem_.sets[at(set)].spec).match); }

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
            told.packages = described({package});
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
            asked.spec = spec_text(root);
            packages = set.packages;
            if (missing < 0 && packages.empty()) {
                missing = root;
                asked.children = {nothing_provides(root)};
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

    Explanation nothing_provides(int set) {
        const auto spec = problem_.sets[at(set)].spec;
        const bool is_virtual = universe_.name_text(universe_.spec_name(spec)).starts_with("__");
        auto why = describe_nothing_provides(universe_, spec, is_virtual ? target_advice_ : advice_);
        auto told = line(Relation::Missing);
        told.code = std::move(why.code);
        told.reason = std::move(why.reason);
        return told;
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
        told.packages = described(packages);
        switch (reason.kind) {
            case Kind::Excluded:
                told.relation = Relation::Excluded;
                told.code = excluded_code(packages.front());
                if (told.code == "constraint") told.pins = pins_against(packages);
                if (told.code == "broken")
                    told.reason = universe_.package(problem_.universe_package[at(packages.front())]).fault;
                break;
            case Kind::Unmet:
            case Kind::Bars:
                told.relation = reason.kind == Kind::Unmet ? Relation::Needs : Relation::OnlyBeside;
                told.spec = spec_text(reason.set);
                told.children = unmet(propagation, reason.set, depth + 1);
                break;
            case Kind::Required:
            case Kind::Barred:
                told.relation = Relation::DoesNotFit;
                told.spec = spec_text(reason.set);
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
        tree.back().packages = described(builds);
    }

    // Pins that keep one of the packages out.
    std::vector<ToldPin> pins_against(const std::vector<int>& packages) {
        std::vector<ToldPin> pins;
        for (const auto i : parts_.constraints) {
            const auto& pin = universe_.request().constraints[at(i)];
            const auto id = universe_.intern(pin.spec);
            const auto& providers = universe_.spec(id).providers;
            const auto fits = [&](int package) {
                const auto known = problem_.universe_package[at(package)];
                return std::find(providers.begin(), providers.end(), known) != providers.end();
            };
            const bool is_same_name =
                universe_.spec_name(id) == problem_.groups[at(problem_.group_of[at(packages.front())])].name;
            if (is_same_name && !std::all_of(packages.begin(), packages.end(), fits))
                pins.push_back({describe_spec(pin.spec), pin.origin});
        }
        return pins;
    }

    std::string excluded_code(int package) const {
        switch (problem_.excluded[at(package)]) {
            case Problem::Excluded::CpuBuild:
                return "cpu_build";
            case Problem::Excluded::Constraint:
                return "constraint";
            case Problem::Excluded::Broken:
                return "broken";
            case Problem::Excluded::No:
                break;
        }
        return "";
    }

    void demanded_by(const Propagation& propagation, int group, Explanation& told) const {
        const auto left = propagation.left(group);
        // Where nothing is left of it either, all that there was of it said so.
        told.by = described(left.empty() ? problem_.groups[at(group)].packages : left);
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
        if (packages.empty()) return {nothing_provides(set)};
        if (depth > kDeepest) return {line(Relation::TooDeep)};
        if (!explained_.insert(set).second) return {line(Relation::SeeAbove)};
        return reasons(propagation, packages, depth, false);
    }

    Universe& universe_;
    const ProblemParts& parts_;
    const CancelToken& cancel_;
    const Problem problem_;
    std::vector<std::string> advice_, target_advice_;
    std::set<int> explained_;
};

}  // namespace

bool is_satisfiable(Universe& universe, const ProblemParts& parts, const CancelToken& cancel) {
    ReachedRequest reached(universe, parts);
    return reached.search().solve({}, cancel);
}

Unsatisfiable explain(Universe& universe, const CancelToken& cancel) {
    const auto parts = Contradiction(universe, cancel).smallest();
    return Explainer(universe, parts, cancel).explain();
}

}  // namespace envbuild::solve
