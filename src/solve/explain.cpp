#include "solve/explain.hpp"

#include <algorithm>
#include <set>

#include "solve/describe.hpp"
#include "solve/explanation_tree.hpp"
#include "solve/reached_request.hpp"

namespace envbuild::solve {

namespace {

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
        // What stands against a pin by its own name is the shortest thing to say, so it goes last.
        std::ranges::stable_partition(parts.specs, [&](int part) { return is_pinned(part); });
        for (auto* list : {&parts.constraints, &parts.specs}) {
            for (std::size_t i = list->size(); i-- > 0;) {
                const auto part = (*list)[i];
                const bool is_spec = list == &parts.specs;
                const bool was_anew = anew_;
                anew_ = anew_ || (is_spec && names_channel(part));
                const bool matters = parts.gpu || anew_ || rests_on(is_spec, part);
                list->erase(list->begin() + static_cast<std::ptrdiff_t>(i));
                if (!matters || !has_answer(parts)) continue;
                list->insert(list->begin() + static_cast<std::ptrdiff_t>(i), part);
                anew_ = was_anew;
            }
        }
        std::ranges::sort(parts.specs);
        return parts;
    }

  private:
    bool is_pinned(int part) const {
        const auto& request = universe_.request();
        const auto& name = request.specs[static_cast<std::size_t>(part)].name();
        return std::ranges::any_of(request.constraints, [&](const auto& pin) { return pin.spec.name() == name; });
    }

    bool has_answer(const ProblemParts& parts) {
        cancel_.throw_if_cancelled();
        if (anew_) return has_answer_anew(parts);
        if (parts.gpu) return is_satisfiable(universe_, parts, cancel_);
        if (!shared_) shared_.emplace(universe_, parts, ReachedRequest::Asked::Assumptions);
        std::vector<Literal> assumptions;
        for (const auto i : parts.constraints) assumptions.push_back(shared_->constraint_literal(i));
        for (const auto i : parts.specs) assumptions.push_back(shared_->spec_literal(i));
        if (shared_->search().solve(assumptions, cancel_)) return true;
        core_ = shared_->search().core();
        return false;
    }

    bool names_channel(int spec) const {
        return !universe_.request().specs[static_cast<std::size_t>(spec)].channel().empty();
    }

    // As if nothing but these parts had been asked: a spec that names a channel decides where its name comes from, for
    // all who need it.
    bool has_answer_anew(const ProblemParts& parts) {
        auto request = universe_.request();
        request.specs.clear();
        request.constraints.clear();
        for (const auto i : parts.specs)
            request.specs.push_back(universe_.request().specs[static_cast<std::size_t>(i)]);
        for (const auto i : parts.constraints)
            request.constraints.push_back(universe_.request().constraints[static_cast<std::size_t>(i)]);
        request.gpu = parts.gpu;
        Universe anew(request, universe_.provider());
        return is_satisfiable(anew, ProblemParts::all(request), cancel_);
    }

    // Whether the last "no" needs the part.
    bool rests_on(bool is_spec, int part) {
        const auto literal = is_spec ? shared_->spec_literal(part) : shared_->constraint_literal(part);
        return std::find(core_.begin(), core_.end(), literal) != core_.end();
    }

    Universe& universe_;
    const CancelToken& cancel_;
    bool anew_ = false;  // a spec that names a channel is left out
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

class Explainer : public ExplanationWords {
  public:
    Explainer(Universe& universe, const ProblemParts& parts, const CancelToken& cancel)
        : universe_(universe),
          parts_(parts),
          cancel_(cancel),
          problem_(build_problem(universe, parts, names_of_proof(universe, parts, cancel))) {}

    Unsatisfiable explain() {
        Unsatisfiable told;
        told.tree = explanation_tree(problem_, *this);
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

    PackageGroup packages(const std::vector<int>& packages) override {
        std::vector<int> ids;
        for (const auto package : packages) ids.push_back(problem_.universe_package[at(package)]);
        return describe_packages(universe_, ids);
    }

    std::string spec(int set) override { return describe_spec(universe_.spec(problem_.sets[at(set)].spec).match); }

    Explanation missing(int set) override {
        const auto spec = problem_.sets[at(set)].spec;
        const bool is_virtual = universe_.name_text(universe_.spec_name(spec)).starts_with("__");
        auto why = describe_nothing_provides(universe_, spec, is_virtual ? target_advice_ : advice_);
        Explanation told;
        told.relation = Explanation::Relation::Missing;
        told.code = std::move(why.code);
        told.reason = std::move(why.reason);
        return told;
    }

    void say_excluded(const std::vector<int>& packages, Explanation& told) override {
        told.code = excluded_code(packages.front());
        if (told.code == "constraint") told.pins = pins_against(packages);
        if (told.code == "broken")
            told.reason = universe_.package(problem_.universe_package[at(packages.front())]).fault;
    }

  private:
    static std::size_t at(int index) { return static_cast<std::size_t>(index); }

    std::string cpu_example() const {
        for (const auto& group : problem_.groups) {
            for (const auto package : group.packages) {
                if (problem_.excluded[at(package)] == Problem::Excluded::CpuBuild) return group.text + "=*=*cpu*";
            }
        }
        return "pytorch=*=*cpu*";
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
            case Problem::Excluded::Other:
            case Problem::Excluded::No:
                break;
        }
        return "";
    }

    Universe& universe_;
    const ProblemParts& parts_;
    const CancelToken& cancel_;
    const Problem problem_;
    std::vector<std::string> advice_, target_advice_;
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
