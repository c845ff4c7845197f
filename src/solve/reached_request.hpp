// A request as the search sees it: names, loaded as it reaches them, with the packages and specs of the universe.
// Internal to solve/.
#pragma once

#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "solve/cdcl_search.hpp"
#include "solve/gpu_scope.hpp"
#include "solve/problem.hpp"

namespace envbuild::solve {

class ReachedRequest : public CdclSource {
  public:
    // What the parts of the request ask for is a fact of search() from then on, or holds where it is assumed: to find
    // out which parts contradict each other. Virtual packages are facts. The universe outlives this.
    enum class Asked : std::uint8_t { Facts, Assumptions };
    ReachedRequest(Universe& universe, const ProblemParts& parts, Asked asked = Asked::Facts);

    [[nodiscard]] CdclSearch& search() { return search_; }
    // What stands for a spec, or a constraint, of the request; by its place in the Request's list.
    [[nodiscard]] Literal spec_literal(int index);
    [[nodiscard]] Literal constraint_literal(int index);

    [[nodiscard]] int group(int name);
    // Names whose records were looked at.
    [[nodiscard]] std::vector<int> loaded_names() const;
    [[nodiscard]] int name(int group) const { return names_[group]; }
    [[nodiscard]] bool is_virtual(int group) const;
    [[nodiscard]] int package(int group, int place) { return universe_.name(names_[group]).packages[place]; }
    // Names that the package needs, without virtual ones; ascending, each once.
    [[nodiscard]] const std::vector<int>& needed_names(int package);
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
    std::vector<int> names_, groups_;                  // group -> name, name -> group
    std::vector<char> gpu_only_;                       // by group
    std::vector<int> need_variables_, bar_variables_;  // by spec
    std::unordered_map<int, std::vector<int>> needed_names_;
    std::size_t packages_read_ = 0, packages_reached_ = 0;
    CdclSearch search_;
};

}  // namespace envbuild::solve
