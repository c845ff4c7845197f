// A request as the search sees it: names, loaded as it reaches them, with the packages and specs of the universe.
// Internal to solve/.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "solve/cdcl_search.hpp"
#include "solve/gpu_scope.hpp"
#include "solve/problem.hpp"

namespace envbuild::solve {

class ReachedRequest : public CdclSource {
  public:
    // Everything that the parts of the request ask for is a fact of search() from then on. Both outlive this.
    ReachedRequest(Universe& universe, const ProblemParts& parts);

    [[nodiscard]] CdclSearch& search() { return search_; }
    [[nodiscard]] int group(int name);
    [[nodiscard]] int name(int group) const { return names_[group]; }
    [[nodiscard]] bool is_virtual(int group) const;
    [[nodiscard]] int package(int group, int place) { return universe_.name(names_[group]).packages[place]; }
    // Names that the package needs, without virtual ones; ascending, each once.
    [[nodiscard]] std::vector<int> needed_names(int package);
    [[nodiscard]] std::size_t packages_read() const { return packages_read_; }
    [[nodiscard]] std::size_t packages_reached() const { return packages_reached_; }

    std::vector<int> open(int group) override;
    Package read(int group, int place) override;
    std::vector<int> members(int group, int tag) override;

  private:
    [[nodiscard]] bool ignored(int spec) const;
    int variable(std::vector<int>& variables, int spec, CdclSearch::SetKind kind);

    Universe& universe_;
    const ProblemParts parts_;
    std::optional<GpuScope> gpu_;
    std::vector<std::vector<int>> constraints_;        // name -> specs of pins
    std::vector<int> names_, groups_;                  // group -> name, name -> group
    std::vector<char> gpu_only_;                       // by group
    std::vector<int> need_variables_, bar_variables_;  // by spec
    std::size_t packages_read_ = 0, packages_reached_ = 0;
    CdclSearch search_;
};

}  // namespace envbuild::solve
