#include "solve/problem.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <tuple>
#include <unordered_map>

#include "solve/gpu_constraint.hpp"
#include "solve/gpu_scope.hpp"

namespace envbuild::solve {

namespace {

bool intersects(const std::vector<int>& list, const std::set<int>& set) {
    return std::any_of(list.begin(), list.end(), [&](int item) { return set.contains(item); });
}

class Builder {
  public:
    Builder(Universe& universe, const ProblemParts& parts, bool prune)
        : universe_(universe), parts_(parts), prune_(prune) {
        for (const auto i : parts_.specs) {
            roots_.push_back(universe_.intern(universe_.request().specs[static_cast<std::size_t>(i)]));
        }
        for (const auto i : parts_.constraints) {
            const auto id = universe_.intern(universe_.request().constraints[static_cast<std::size_t>(i)]);
            constraints_[universe_.spec(id).name].push_back(id);
        }
        if (parts_.gpu) {
            std::vector<conda::MatchSpec> specs;
            for (const auto i : parts_.specs) specs.push_back(universe_.request().specs[static_cast<std::size_t>(i)]);
            gpu_.emplace(universe_, specs);
        }
    }

    Problem build() {
        std::set<int> virtual_names;
        for (const auto& record : universe_.request().virtual_packages) {
            const auto name = universe_.name_id(record.name);
            virtual_names.insert(name);
            reach(name);
        }
        for (const auto root : roots_) {
            const auto& spec = universe_.spec(root);
            auto& allowed = allowed_roots_[spec.name];
            std::set<int> fitting(spec.providers.begin(), spec.providers.end());
            if (!allowed) {
                allowed = std::move(fitting);
            } else {
                std::erase_if(*allowed, [&](int package) { return !fitting.contains(package); });
            }
            reach(spec.name);
        }
        for (const auto name : virtual_names) {
            const auto& packages = universe_.name(name).packages;
            allowed_roots_[name] = std::set<int>(packages.begin(), packages.end());
        }
        for (std::size_t i = 0; i < queue_.size(); ++i) load(queue_[i]);
        for (const auto name : virtual_names)
            problem_.groups[static_cast<std::size_t>(group_of_.at(name))].is_virtual = true;
        connect();
        return std::move(problem_);
    }

  private:
    void reach(int name) {
        if (group_of_.emplace(name, static_cast<int>(queue_.size())).second) queue_.push_back(name);
    }

    // Whether a need on a name that the request itself pins (or on a virtual package) can be met at all.
    bool plainly_impossible(const Universe::Package& package) {
        return std::any_of(package.needs.begin(), package.needs.end(), [&](int need) {
            if (ignored(need)) return false;
            const auto& name = universe_.name_text(spec_name(need));
            const auto allowed = allowed_roots_.find(spec_name(need));
            if (allowed == allowed_roots_.end()) return name.starts_with("__");
            return !intersects(universe_.spec(need).providers, *allowed->second);
        });
    }

    int spec_name(int spec) { return universe_.spec_name(spec); }

    bool ignored(int spec) {
        return !parts_.virtual_packages && universe_.name_text(spec_name(spec)).starts_with("__");
    }

    Problem::Excluded exclusion(int id, const std::vector<int>* constraints, bool gpu_only) {
        const auto& package = universe_.package(id);
        if (package.broken) return Problem::Excluded::Broken;
        if (constraints != nullptr) {
            for (const auto constraint : *constraints) {
                const auto& providers = universe_.spec(constraint).providers;
                if (std::find(providers.begin(), providers.end(), id) == providers.end()) {
                    return Problem::Excluded::Constraint;
                }
            }
        }
        if (gpu_only && !is_gpu_build(*package.candidate.record)) return Problem::Excluded::CpuBuild;
        return Problem::Excluded::No;
    }

    void load(int name) {
        const auto group = static_cast<int>(problem_.groups.size());
        problem_.groups.push_back({name, universe_.name_text(name), false, {}});
        const auto constraints = constraints_.find(name);
        const bool only_gpu = gpu_ && gpu_->gpu_only(name);
        const auto allowed = allowed_roots_.find(name);
        for (const auto id : std::vector<int>(universe_.name(name).packages)) {
            if (prune_ && allowed != allowed_roots_.end() && !allowed->second->contains(id)) continue;
            const auto why =
                exclusion(id, constraints == constraints_.end() ? nullptr : &constraints->second, only_gpu);
            const auto& package = universe_.package(id);
            if (prune_ && (why != Problem::Excluded::No || plainly_impossible(package))) continue;
            const auto local = static_cast<int>(problem_.size());
            problem_.groups[static_cast<std::size_t>(group)].packages.push_back(local);
            problem_.universe_package.push_back(id);
            problem_.group_of.push_back(group);
            problem_.excluded.push_back(why);
            local_of_[id] = local;
            if (why != Problem::Excluded::No) continue;
            for (const auto need : package.needs) {
                if (!ignored(need)) reach(spec_name(need));
            }
        }
    }

    int set_of(int spec) {
        const auto [found, added] = set_of_.emplace(spec, static_cast<int>(problem_.sets.size()));
        if (added) {
            const auto& entry = universe_.spec(spec);
            auto& set = problem_.sets.emplace_back();
            set.spec = spec;
            set.group = group_of_.at(entry.name);
            for (const auto id : entry.providers) {
                if (const auto local = local_of_.find(id); local != local_of_.end())
                    set.packages.push_back(local->second);
            }
        }
        return found->second;
    }

    void connect() {
        for (const auto root : roots_) problem_.roots.push_back(set_of(root));
        problem_.needs.resize(problem_.size());
        problem_.bars.resize(problem_.size());
        for (std::size_t i = 0; i < problem_.size(); ++i) {
            if (problem_.excluded[i] != Problem::Excluded::No) continue;
            const auto& package = universe_.package(problem_.universe_package[i]);
            for (const auto need : package.needs) {
                if (!ignored(need)) problem_.needs[i].push_back(set_of(need));
            }
            for (const auto bar : package.bars) {
                if (group_of_.contains(spec_name(bar)) && !ignored(bar)) problem_.bars[i].push_back(set_of(bar));
            }
        }
    }

    Universe& universe_;
    const ProblemParts& parts_;
    const bool prune_;
    Problem problem_;
    std::vector<int> roots_, queue_;
    std::map<int, std::vector<int>> constraints_;                // name -> specs
    std::map<int, std::optional<std::set<int>>> allowed_roots_;  // name -> universe packages that the request allows
    std::optional<GpuScope> gpu_;
    std::unordered_map<int, int> group_of_, local_of_, set_of_;
};

// One round of reduce(): sets that hold the same packages become one, packages that nothing tells apart become the
// best.
class Merger {
  public:
    explicit Merger(const Problem& problem) : problem_(problem) {}

    Problem keep(const std::vector<char>& alive) {
        local_.assign(problem_.size(), -1);
        for (const auto& group : problem_.groups) {
            const auto index = static_cast<int>(result_.groups.size());
            result_.groups.push_back({group.name, group.text, group.is_virtual, {}});
            for (const auto package : group.packages) {
                if (alive[static_cast<std::size_t>(package)] == 0) continue;
                local_[static_cast<std::size_t>(package)] = static_cast<int>(result_.size());
                result_.groups.back().packages.push_back(static_cast<int>(result_.size()));
                result_.universe_package.push_back(problem_.universe_package[static_cast<std::size_t>(package)]);
                result_.group_of.push_back(index);
                result_.excluded.push_back(Problem::Excluded::No);
            }
        }
        result_.needs.resize(result_.size());
        result_.bars.resize(result_.size());
        for (const auto root : problem_.roots) result_.roots.push_back(set_of(root));
        for (std::size_t i = 0; i < problem_.size(); ++i) {
            if (local_[i] < 0) continue;
            const auto local = static_cast<std::size_t>(local_[i]);
            for (const auto need : problem_.needs[i]) result_.needs[local].push_back(set_of(need));
            for (const auto bar : problem_.bars[i]) {
                const auto set = set_of(bar);
                const auto& entry = result_.sets[static_cast<std::size_t>(set)];
                const auto& group = result_.groups[static_cast<std::size_t>(entry.group)];
                if (entry.packages.size() < group.packages.size()) result_.bars[local].push_back(set);
            }
            for (auto* list : {&result_.needs[local], &result_.bars[local]}) {
                std::sort(list->begin(), list->end());
                list->erase(std::unique(list->begin(), list->end()), list->end());
            }
        }
        return std::move(result_);
    }

  private:
    int set_of(int old) {
        const auto& set = problem_.sets[static_cast<std::size_t>(old)];
        std::vector<int> packages;
        for (const auto package : set.packages) {
            if (local_[static_cast<std::size_t>(package)] >= 0)
                packages.push_back(local_[static_cast<std::size_t>(package)]);
        }
        const auto [found, added] =
            sets_.emplace(std::pair(set.group, packages), static_cast<int>(result_.sets.size()));
        if (added) result_.sets.push_back({set.spec, set.group, std::move(packages)});
        return found->second;
    }

    const Problem& problem_;
    Problem result_;
    std::vector<int> local_;
    std::map<std::pair<int, std::vector<int>>, int> sets_;
};

// Of packages of one group with the same needs and bars that are in the same sets, the first is the best.
std::vector<char> without_equals(const Problem& problem) {
    std::vector<std::vector<int>> in_sets(problem.size());
    for (std::size_t set = 0; set < problem.sets.size(); ++set) {
        for (const auto package : problem.sets[set].packages) {
            in_sets[static_cast<std::size_t>(package)].push_back(static_cast<int>(set));
        }
    }
    std::vector<char> keep(problem.size(), 0);
    using Key = std::tuple<const std::vector<int>&, const std::vector<int>&, const std::vector<int>&>;
    for (const auto& group : problem.groups) {
        std::set<Key> seen;
        for (const auto package : group.packages) {
            const auto i = static_cast<std::size_t>(package);
            keep[i] = seen.insert(Key(problem.needs[i], problem.bars[i], in_sets[i])).second ? 1 : 0;
        }
    }
    return keep;
}

}  // namespace

ProblemParts ProblemParts::all(const Request& request) {
    ProblemParts parts;
    parts.specs.resize(request.specs.size());
    std::iota(parts.specs.begin(), parts.specs.end(), 0);
    parts.constraints.resize(request.constraints.size());
    std::iota(parts.constraints.begin(), parts.constraints.end(), 0);
    parts.gpu = request.gpu;
    return parts;
}

Problem build_problem(Universe& universe, const ProblemParts& parts, bool prune) {
    return Builder(universe, parts, prune).build();
}

Problem reduce(const Problem& problem, const std::vector<char>& alive) {
    auto reduced = Merger(problem).keep(alive);
    while (true) {
        const auto keep = without_equals(reduced);
        if (std::find(keep.begin(), keep.end(), 0) == keep.end()) return reduced;
        reduced = Merger(reduced).keep(keep);
    }
}

}  // namespace envbuild::solve
