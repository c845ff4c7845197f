// To which names the GPU constraint applies (docs/resolver.md, "--gpu"). Internal to solve/.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "solve/universe.hpp"

namespace envbuild::solve {

class GpuScope {
  public:
    // `specs` are those of the request that count. The universe outlives this.
    GpuScope(Universe& universe, const std::vector<conda::MatchSpec>& specs);
    // Whether only GPU builds of the name may be taken.
    [[nodiscard]] bool gpu_only(int name);

  private:
    bool needs_exempt_as_gpu(const std::vector<int>& packages);

    Universe& universe_;
    // Names that the constraint leaves alone: those asked as CPU builds and what their CPU builds need as CPU builds.
    std::set<std::string> exempt_;
};

}  // namespace envbuild::solve
