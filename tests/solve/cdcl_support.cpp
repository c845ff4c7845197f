#include "solve/cdcl_support.hpp"

#include <algorithm>
#include <map>

#include "solve/cdcl_search.hpp"

namespace envbuild::solve::test {

namespace {

class ProblemSource : public CdclSource {
  public:
    ProblemSource(const Problem& problem, int grade)
        : problem_(problem),
          grade_(grade),
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
        std::vector<int> grades;
        for (std::size_t place = 0; place < problem_.groups[group].packages.size(); ++place)
            grades.push_back(static_cast<int>(place) / grade_);
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
    const int grade_;
    CdclSearch* search_ = nullptr;
    std::vector<int> places_;  // of packages in their group
    std::vector<int> need_variables_, bar_variables_;
};

class CdclSolver : public CoreSolver {
  public:
    CdclSolver(const Problem& problem, int grade) : problem_(problem), source_(problem, grade), search_(source_) {
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
            if (packages.empty()) {
                core_ = {packages};
                return std::nullopt;
            }
            assumptions.push_back(choice(packages, problem_.group_of[packages.front()]));
        }
        if (!search_.solve(assumptions, CancelToken())) {
            core_.clear();
            for (std::size_t i = 0; i < demands.size(); ++i) {
                if (std::ranges::find(search_.core(), assumptions[i]) != search_.core().end())
                    core_.push_back(demands[i]);
            }
            return std::nullopt;
        }
        std::vector<int> taken;
        for (const auto group : search_.answer_groups()) {
            taken.push_back(problem_.groups[group].packages[search_.answer(group)]);
        }
        return taken;
    }

    [[nodiscard]] std::vector<std::vector<int>> core() const override { return core_; }

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
    std::vector<std::vector<int>> core_;
};

}  // namespace

std::unique_ptr<CoreSolver> make_cdcl_solver(const Problem& problem, int grade) {
    return std::make_unique<CdclSolver>(problem, grade);
}

}  // namespace envbuild::solve::test
