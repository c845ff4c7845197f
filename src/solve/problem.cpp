#include "solve/problem.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <unordered_map>

#include "solve/gpu_constraint.hpp"
#include "solve/gpu_scope.hpp"

namespace envbuild::solve {

namespace {

class Builder {
  public:
    Builder(Universe& universe, const ProblemParts& parts, const std::optional<std::set<int>>& names)
        : universe_(universe), parts_(parts), names_(names) {
        for (const auto i : parts_.specs) {
            roots_.push_back(universe_.intern(universe_.request().specs[static_cast<std::size_t>(i)]));
        }
        for (const auto i : parts_.constraints) {
            const auto id = universe_.intern(universe_.request().constraints[static_cast<std::size_t>(i)].spec);
            constraints_[universe_.spec(id).name].push_back(id);
        }
        if (parts_.gpu) gpu_.emplace(universe_, universe_.request().specs);
    }

    Problem build() {
        std::set<int> virtual_names;
        for (const auto& record : universe_.request().virtual_packages) {
            const auto name = universe_.name_id(record.name);
            virtual_names.insert(name);
            reach(name);
        }
        for (const auto root : roots_) reach(universe_.spec_name(root));
        for (std::size_t next = 0; next < queue_.size();) load(queue_[next++]);  // which reaches more
        for (const auto name : virtual_names)
            problem_.groups[static_cast<std::size_t>(group_of_.at(name))].is_virtual = true;
        connect();
        return std::move(problem_);
    }

  private:
    void reach(int name) {
        if (group_of_.emplace(name, static_cast<int>(queue_.size())).second) queue_.push_back(name);
    }

    int spec_name(int spec) { return universe_.spec_name(spec); }

    bool ignored(int spec) {
        return !parts_.virtual_packages && universe_.name_text(spec_name(spec)).starts_with("__");
    }

    Problem::Excluded exclusion(int id, const std::vector<int>* constraints, bool gpu_only) {
        const auto& package = universe_.package(id);
        if (!package.fault.empty()) return Problem::Excluded::Broken;
        if (constraints != nullptr) {
            for (const auto constraint : *constraints) {
                const auto& providers = universe_.spec(constraint).providers;
                if (std::find(providers.begin(), providers.end(), id) == providers.end()) {
                    return Problem::Excluded::Constraint;
                }
            }
        }
        if (gpu_only && !is_gpu_build(package.candidate.record)) return Problem::Excluded::CpuBuild;
        return Problem::Excluded::No;
    }

    void load(int name) {
        const auto group = static_cast<int>(problem_.groups.size());
        problem_.groups.push_back({name, universe_.name_text(name), false, {}});
        const auto constraints = constraints_.find(name);
        const bool only_gpu = gpu_ && gpu_->gpu_only(name);
        for (const auto id : std::vector<int>(universe_.name(name).packages)) {
            const auto why =
                exclusion(id, constraints == constraints_.end() ? nullptr : &constraints->second, only_gpu);
            const auto& package = universe_.package(id);
            const auto local = static_cast<int>(problem_.size());
            problem_.groups[static_cast<std::size_t>(group)].packages.push_back(local);
            problem_.universe_package.push_back(id);
            problem_.group_of.push_back(group);
            problem_.excluded.push_back(why);
            local_of_[id] = local;
            if (why != Problem::Excluded::No) continue;
            for (const auto need : package.needs) {
                if (!ignored(need) && (!names_ || names_->contains(spec_name(need)))) reach(spec_name(need));
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
                if (group_of_.contains(spec_name(need)) && !ignored(need)) problem_.needs[i].push_back(set_of(need));
            }
            for (const auto bar : package.bars) {
                if (group_of_.contains(spec_name(bar)) && !ignored(bar)) problem_.bars[i].push_back(set_of(bar));
            }
        }
    }

    Universe& universe_;
    const ProblemParts& parts_;
    const std::optional<std::set<int>>& names_;
    Problem problem_;
    std::vector<int> roots_, queue_;
    std::map<int, std::vector<int>> constraints_;  // name -> specs
    std::optional<GpuScope> gpu_;
    std::unordered_map<int, int> group_of_, local_of_, set_of_;
};

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

Problem build_problem(Universe& universe, const ProblemParts& parts, const std::optional<std::set<int>>& names) {
    return Builder(universe, parts, names).build();
}

}  // namespace envbuild::solve
