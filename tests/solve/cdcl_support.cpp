#include "solve/cdcl_support.hpp"

#include <map>
#include <numeric>

#include "solve/cdcl_search.hpp"

namespace envbuild::solve::test {

namespace {

class ProblemSource : public CdclSource {
  public:
    explicit ProblemSource(const Problem& problem)
        : problem_(problem),
          places_(problem.size()),
          need_variables_(problem.sets.size(), -1),
          bar_variables_(problem.sets.size(), -1) {
        for (const auto& group : problem.groups) {
            for (std::size_t place = 0; place < group.packages.size(); ++place) {
                places_[group.packages[place]] = static_cast<int>(place);
            }
        }
    }

    // Groups of the search have the problem's numbers.
    void attach(CdclSearch& search) {
        search_ = &search;
        for (std::size_t group = 0; group < problem_.groups.size(); ++group) search.add_group();
    }

    std::vector<int> open(int group) override {
        std::vector<int> grades(problem_.groups[group].packages.size());
        std::iota(grades.begin(), grades.end(), 0);
        return grades;
    }

    Package read(int group, int place) override {
        const auto package = problem_.groups[group].packages[place];
        Package made;
        made.usable = problem_.excluded[package] == Problem::Excluded::No;
        for (const auto set : problem_.needs[package]) made.implies.push_back(need(set));
        for (const auto set : problem_.bars[package]) {
            made.implies.push_back(variable(bar_variables_, set, CdclSearch::SetKind::Bar));
        }
        return made;
    }

    std::vector<int> members(int group, int tag) override {
        (void)group;
        return places(problem_.sets[tag].packages);
    }

    int need(int set) { return variable(need_variables_, set, CdclSearch::SetKind::Need); }

    [[nodiscard]] std::vector<int> places(const std::vector<int>& packages) const {
        std::vector<int> places;
        for (const auto package : packages) places.push_back(places_[package]);
        return places;
    }

  private:
    int variable(std::vector<int>& variables, int set, CdclSearch::SetKind kind) {
        if (variables[set] < 0) {
            const auto made = search_->add_set(problem_.sets[set].group, kind, set);
            variables[set] = made;
        }
        return variables[set];
    }

    const Problem& problem_;
    CdclSearch* search_ = nullptr;
    std::vector<int> places_;  // of packages in their group
    std::vector<int> need_variables_, bar_variables_;
};

class CdclSolver : public SatSolver {
  public:
    explicit CdclSolver(const Problem& problem) : problem_(problem), source_(problem), search_(source_) {
        source_.attach(search_);
        for (std::size_t group = 0; group < problem.groups.size(); ++group) {
            if (problem.groups[group].is_virtual) {
                search_.add_fact(choice(problem.groups[group].packages, static_cast<int>(group)));
            }
        }
        for (const auto root : problem.roots) search_.add_fact(Literal::yes(source_.need(root)));
    }

    std::optional<std::vector<int>> solve(const std::vector<std::vector<int>>& demands) override {
        std::vector<Literal> assumptions;
        for (const auto& packages : demands) {
            if (packages.empty()) return std::nullopt;
            assumptions.push_back(choice(packages, problem_.group_of[packages.front()]));
        }
        if (!search_.solve(assumptions, CancelToken())) return std::nullopt;
        std::vector<int> taken;
        for (const auto group : search_.answer_groups()) {
            taken.push_back(problem_.groups[group].packages[search_.answer(group)]);
        }
        return taken;
    }

  private:
    Literal choice(const std::vector<int>& packages, int group) {
        const auto [found, added] = choices_.emplace(packages, Literal());
        if (added) found->second = Literal::yes(search_.add_choice(group, source_.places(packages)));
        return found->second;
    }

    const Problem& problem_;
    ProblemSource source_;
    CdclSearch search_;
    std::map<std::vector<int>, Literal> choices_;
};

}  // namespace

std::unique_ptr<SatSolver> make_cdcl_solver(const Problem& problem) {
    return std::make_unique<CdclSolver>(problem);
}

}  // namespace envbuild::solve::test
