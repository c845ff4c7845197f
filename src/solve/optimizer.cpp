#include "solve/optimizer.hpp"

#include <algorithm>
#include <map>

#include "solve/propagation.hpp"

namespace envbuild::solve {

namespace {

// What distinguishes the steps in which a name is pinned: to one version, to one class, to one package.
enum class Grain : std::uint8_t { Version, Class, Package };

class Optimizer {
  public:
    Optimizer(const Universe& universe, const Problem& problem, SatSolver& solver, const CancelToken& cancel)
        : universe_(universe), problem_(problem), solver_(solver), cancel_(cancel), propagation_(problem) {}

    std::optional<BestAnswer> run(const std::vector<std::string>& requested) {
        if (!propagation_.consistent() || !search({})) return std::nullopt;
        std::map<std::string, int> groups;
        for (std::size_t g = 0; g < problem_.groups.size(); ++g) groups[problem_.groups[g].text] = static_cast<int>(g);
        std::vector<int> order;
        for (const auto& name : requested) order.push_back(groups.at(name));
        for (const auto grain : {Grain::Version, Grain::Class}) {
            for (const auto group : order) pin(group, grain);
        }
        while (next_dependency(order) || next_tie(order)) {
        }
        BestAnswer answer;
        answer.searches = searches_;
        for (const auto group : propagation_.present_groups()) {
            if (!problem_.groups[at(group)].is_virtual) answer.packages.push_back(propagation_.left(group).front());
        }
        return answer;
    }

  private:
    static std::size_t at(int index) { return static_cast<std::size_t>(index); }

    // A name that has become necessary and has not chosen yet.
    bool next_dependency(std::vector<int>& order) {
        for (const auto group : propagation_.present_groups()) {
            if (problem_.groups[at(group)].is_virtual || std::find(order.begin(), order.end(), group) != order.end())
                continue;
            order.push_back(group);
            pin(group, Grain::Class);
            return true;
        }
        return false;
    }

    bool next_tie(const std::vector<int>& order) {
        for (const auto group : order) {
            if (propagation_.left(group).size() <= 1) continue;
            pin(group, Grain::Package);
            return true;
        }
        return false;
    }

    [[nodiscard]] bool same_block(int a, int b, Grain grain) const {
        if (a == b || grain == Grain::Package) return a == b;
        return universe_.same_block(problem_.universe_package[at(a)], problem_.universe_package[at(b)],
                                    grain == Grain::Version);
    }

    // Leaves of the group only its best block for which an answer exists.
    void pin(int group, Grain grain) {
        while (true) {
            const auto left = propagation_.left(group);
            std::vector<int> block;
            for (const auto package : left) {
                if (same_block(left.front(), package, grain)) block.push_back(package);
            }
            if (block.size() == left.size() || holds(block) || search(block)) {
                adopt(group, block);
                return;
            }
            // The best block is impossible. Whether anything better than what is at hand exists is one question more.
            const auto current =
                std::find_if(left.begin(), left.end(), [&](int package) { return taken_[at(package)] != 0; });
            const auto current_block = std::find_if(left.begin(), left.end(),
                                                    [&](int package) { return same_block(*current, package, grain); });
            const std::vector<int> between(left.begin() + static_cast<std::ptrdiff_t>(block.size()), current_block);
            std::vector<int> remaining(left.begin() + static_cast<std::ptrdiff_t>(block.size()), left.end());
            if (between.empty() || !search(between)) remaining.assign(current_block, left.end());
            adopt(group, remaining);
        }
    }

    void adopt(int group, const std::vector<int>& packages) {
        demands_[group] = packages;
        if (!propagation_.restrict(group, packages)) {
            throw Error(ErrorKind::Bug,
                        "the solver's answer contradicts propagation for " + problem_.groups[at(group)].text);
        }
    }

    [[nodiscard]] bool holds(const std::vector<int>& packages) const {
        return std::any_of(packages.begin(), packages.end(), [&](int package) { return taken_[at(package)] != 0; });
    }

    // Looks for an answer with one of `packages`, beside all that is pinned; keeps it when there is one.
    bool search(const std::vector<int>& packages) {
        cancel_.throw_if_cancelled();
        ++searches_;
        std::vector<std::vector<int>> demands;
        for (const auto& [group, pinned] : demands_) demands.push_back(propagation_.left(group));
        if (!packages.empty()) demands.push_back(packages);
        const auto found = solver_.solve(demands);
        if (!found) return false;
        taken_.assign(problem_.size(), 0);
        for (const auto package : *found) taken_[at(package)] = 1;
        return true;
    }

    const Universe& universe_;
    const Problem& problem_;
    SatSolver& solver_;
    const CancelToken& cancel_;
    Propagation propagation_;
    std::map<int, std::vector<int>> demands_;
    std::vector<char> taken_;  // the answer at hand
    std::size_t searches_ = 0;
};

}  // namespace

std::optional<BestAnswer> find_best(const Universe& universe, const Problem& problem,
                                    const std::vector<std::string>& requested, SatSolver& solver,
                                    const CancelToken& cancel) {
    return Optimizer(universe, problem, solver, cancel).run(requested);
}

}  // namespace envbuild::solve
