#include "solve/gpu_scope.hpp"

#include "base/strings.hpp"
#include "solve/gpu_constraint.hpp"

namespace envbuild::solve {

namespace {

bool build_says(const conda::MatchSpec& match, std::string_view word) {
    return !match.build().is_any() && to_lower(match.build().to_string()).find(word) != std::string::npos;
}

}  // namespace

GpuScope::GpuScope(Universe& universe, const std::vector<conda::MatchSpec>& specs)
    : universe_(universe), exempt_(asked_as_cpu(specs)) {
    std::vector<std::string> open(exempt_.begin(), exempt_.end());
    while (!open.empty()) {
        const auto name = std::move(open.back());
        open.pop_back();
        if (name == "*") continue;
        for (const auto id : std::vector<int>(universe_.name(universe_.name_id(name)).packages)) {
            for (const auto need : universe_.package(id).needs) {
                const auto& match = universe_.spec_unevaluated(need).match;
                if (build_says(match, "cpu") && exempt_.insert(match.name()).second) open.push_back(match.name());
            }
        }
    }
}

// What needs the GPU build of an exempt name is exempt as well.
bool GpuScope::needs_exempt_as_gpu(const std::vector<int>& packages) {
    for (const auto id : packages) {
        for (const auto need : universe_.package(id).needs) {
            const auto& match = universe_.spec_unevaluated(need).match;
            if (!exempt_.contains(match.name())) continue;
            if (build_says(match, "cuda") || build_says(match, "gpu")) return true;
        }
    }
    return false;
}

bool GpuScope::gpu_only(int name) {
    if (exempt_.contains("*") || exempt_.contains(universe_.name_text(name))) return false;
    return universe_.comes_in_both(name) && (exempt_.empty() || !needs_exempt_as_gpu(universe_.name(name).packages));
}

}  // namespace envbuild::solve
