#include "solve/explain.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/strings.hpp"
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

    Error explain() {
        const Propagation propagation(problem_);
        if (propagation.consistent()) {
            branch(propagation);
        } else {
            failure(propagation, 1);
        }
        auto message = header();
        for (const auto& line : lines_) message += "\n" + line;
        Error error(ErrorKind::Unsatisfiable, message);
        if (parts_.gpu) {
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
        std::vector<std::string> unique;
        for (auto& text : advice_) {
            if (std::find(unique.begin(), unique.end(), text) == unique.end()) unique.push_back(std::move(text));
        }
        if (!unique.empty()) return std::move(error).with_hint(join(unique, "; "));
        return error;
    }

  private:
    static constexpr int kDeepest = 6;
    static constexpr std::size_t kBranches = 3, kReasons = 4;
    static std::size_t at(int index) { return static_cast<std::size_t>(index); }

    std::string header() const {
        std::vector<std::string> names;
        for (const auto i : parts_.specs) names.push_back("'" + describe_spec(universe_.request().specs[at(i)]) + "'");
        for (const auto i : parts_.constraints) {
            names.push_back("the constraint '" + describe_spec(universe_.request().constraints[at(i)]) + "'");
        }
        if (parts_.gpu) names.emplace_back("--gpu");
        if (names.empty()) return "the target's virtual packages contradict each other";
        if (names.size() == 1) return names.front() + " cannot be installed";
        const auto last = names.back();
        names.pop_back();
        return join(names, ", ") + " and " + last + " cannot be had together";
    }

    std::string cpu_example() const {
        for (const auto& group : problem_.groups) {
            for (const auto package : group.packages) {
                if (problem_.excluded[at(package)] == Problem::Excluded::CpuBuild) return group.text + "=*=*cpu*";
            }
        }
        return "pytorch=*=*cpu*";
    }

    void say(int depth, const std::string& text) {
        lines_.push_back(std::string(static_cast<std::size_t>(depth) * 2, ' ') + text);
    }

    std::string packages_text(const std::vector<int>& packages) const {
        std::vector<int> ids;
        for (const auto package : packages) ids.push_back(problem_.universe_package[at(package)]);
        return describe_packages(universe_, ids);
    }

    std::string spec_text(int set) const { return describe_spec(universe_.spec(problem_.sets[at(set)].spec).match); }

    // No single step decides: each way to go is followed until it ends.
    void branch(const Propagation& propagation) {
        int choice = -1;
        std::size_t fewest = 0;
        for (const auto group : propagation.present_groups()) {
            const auto ways = propagation.left(group).size();
            if (ways > 1 && (choice < 0 || ways < fewest)) choice = group, fewest = ways;
        }
        if (choice < 0) return;
        std::size_t shown = 0;
        for (const auto package : propagation.left(choice)) {
            if (shown == kBranches) {
                say(1, fmt::format("and {} more builds of {}", fewest - shown, problem_.groups[at(choice)].text));
                return;
            }
            auto way = propagation;
            const bool goes_on = way.restrict(choice, {package});
            ++shown;
            say(1, "with " + packages_text({package}) + ":");
            if (!goes_on) {
                explained_.clear();
                failure(way, 2);
            } else {
                say(2, "what it needs cannot be had together either");
            }
        }
    }

    // Nothing is left of a name that must be in.
    void failure(const Propagation& propagation, int depth) {
        const auto group = propagation.failed_group();
        for (const auto root : problem_.roots) {
            if (problem_.sets[at(root)].group == group) say(depth, "asked: " + spec_text(root));
        }
        // Of a name that is asked for, only what fits the request is worth a word.
        auto packages = problem_.groups[at(group)].packages;
        for (const auto root : problem_.roots) {
            const auto& set = problem_.sets[at(root)];
            if (set.group != group) continue;
            if (set.packages.empty()) return nothing_provides(root, depth + 1);
            packages = set.packages;
        }
        reasons(propagation, packages, depth + 1, true);
        const auto is_cpu = [&](int package) { return problem_.excluded[at(package)] == Problem::Excluded::CpuBuild; };
        if (std::all_of(packages.begin(), packages.end(), is_cpu)) gpu_builds(group, depth + 1);
    }

    void nothing_provides(int set, int depth) {
        const auto spec = problem_.sets[at(set)].spec;
        const bool is_virtual = universe_.name_text(universe_.spec_name(spec)).starts_with("__");
        const auto why = describe_nothing_provides(universe_, spec, is_virtual ? target_advice_ : advice_);
        say(depth, "nothing provides it: " + why);
    }

    // Why each of the packages is out, alike reasons together. What merely is not what was asked for says nothing new
    // at the top.
    void reasons(const Propagation& propagation, const std::vector<int>& packages, int depth, bool top) {
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
        for (std::size_t i = 0; i < order.size(); ++i) {
            if (i == kReasons && order.size() > kReasons + 1) {
                say(depth, fmt::format("and {} further reasons for other builds", order.size() - i));
                return;
            }
            reason(propagation, *order[i], depth);
        }
    }

    void reason(const Propagation& propagation, const std::vector<int>& packages, int depth) {
        const auto& reason = propagation.reason(packages.front());
        const auto who = packages_text(packages);
        const bool many = packages.size() > 1;
        switch (reason.kind) {
            case Kind::Excluded:
                say(depth, who + excluded_text(packages.front(), many));
                return;
            case Kind::Unmet:
                say(depth, fmt::format("{} {} {}", who, many ? "need" : "needs", spec_text(reason.set)));
                unmet(propagation, reason.set, depth + 1);
                return;
            case Kind::Required:
                say(depth, fmt::format("{} {} not fit {}", who, many ? "do" : "does",
                                       demand_text(propagation, reason, "needed")));
                return;
            case Kind::Barred:
                say(depth, fmt::format("{} {} not fit {}", who, many ? "do" : "does",
                                       demand_text(propagation, reason, "constrained")));
                return;
            case Kind::Bars:
                say(depth, fmt::format("{} {} only beside {}", who, many ? "go" : "goes", spec_text(reason.set)));
                unmet(propagation, reason.set, depth + 1);
                return;
            case Kind::Restricted:
                say(depth, who + " is not taken in this case");
                return;
            case Kind::Alive:
                return;
        }
    }

    // What the request would have to fit.
    void gpu_builds(int group, int depth) {
        std::vector<int> builds;
        for (const auto package : problem_.groups[at(group)].packages) {
            if (problem_.excluded[at(package)] == Problem::Excluded::No) builds.push_back(package);
        }
        if (!builds.empty()) say(depth, "there are GPU builds of " + packages_text(builds));
    }

    std::string excluded_text(int package, bool many) const {
        switch (problem_.excluded[at(package)]) {
            case Problem::Excluded::CpuBuild:
                return many ? " are CPU builds, and --gpu asks for a GPU build"
                            : " is a CPU build, and --gpu asks for a GPU build";
            case Problem::Excluded::Constraint:
                return many ? " do not fit the constraints" : " does not fit the constraints";
            case Problem::Excluded::Broken:
                return " cannot be read: a dependency does not parse";
            case Problem::Excluded::No:
                break;
        }
        return "";
    }

    std::string demand_text(const Propagation& propagation, const Propagation::Reason& reason,
                            std::string_view verb) const {
        if (reason.group < 0) return "'" + spec_text(reason.set) + "', which is asked";
        const auto by = propagation.left(reason.group);
        const auto name = by.empty() ? problem_.groups[at(reason.group)].text : packages_text(by);
        return fmt::format("'{}', which is {} by {}", spec_text(reason.set), verb, name);
    }

    // Why none of a set is left.
    void unmet(const Propagation& propagation, int set, int depth) {
        const auto& packages = problem_.sets[at(set)].packages;
        if (packages.empty()) return nothing_provides(set, depth);
        if (depth > kDeepest) return say(depth, "which cannot be had either");
        if (!explained_.insert(set).second) return say(depth, "which cannot be had, as said above");
        reasons(propagation, packages, depth, false);
    }

    Universe& universe_;
    const ProblemParts& parts_;
    const CancelToken& cancel_;
    const Problem problem_;
    std::vector<std::string> lines_, advice_, target_advice_;
    std::set<int> explained_;
};

}  // namespace

bool is_satisfiable(Universe& universe, const ProblemParts& parts, const CancelToken& cancel) {
    ReachedRequest reached(universe, parts);
    return reached.search().solve({}, cancel);
}

Error explain(Universe& universe, const CancelToken& cancel) {
    const auto parts = Contradiction(universe, cancel).smallest();
    return Explainer(universe, parts, cancel).explain();
}

}  // namespace envbuild::solve
