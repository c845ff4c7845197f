// --gpu as a constraint: a package that comes in CPU and GPU builds must be a GPU build.
//
// A record is a GPU build when its build string says so ("cuda", "gpu") or when it needs CUDA (__cuda, cudatoolkit,
// cuda, cuda-*, cudnn, nccl, pytorch-cuda, pytorch-gpu, tensorflow-gpu, or another package's build "*cuda*"/"*gpu*");
// never when its build string holds "cpu" or it needs cpuonly. A name comes in both when
// one of its versions has a GPU build and one that is not. Exempt is what the request names as a CPU build: a spec
// whose build holds "cpu", "NAME-cpu", "cpuonly" (everything), and what those packages need as CPU builds.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "conda/match_spec.hpp"
#include "conda/package_record.hpp"
#include "solve/candidates.hpp"

namespace envbuild::solve {

[[nodiscard]] bool is_gpu_build(const conda::PackageRecord& record);
// The same, and most records are not read for it.
[[nodiscard]] bool is_gpu_build(const LazyRecord& record);

// Whether the candidates of one name come in both kinds.
[[nodiscard]] bool comes_in_both(const std::vector<Candidate>& candidates);

// Names that the request asks for as CPU builds; "*" for all of them.
[[nodiscard]] std::set<std::string> asked_as_cpu(const std::vector<conda::MatchSpec>& specs);

}  // namespace envbuild::solve
