#include "solve/gpu_constraint.hpp"

#include <algorithm>
#include <array>
#include <unordered_map>

#include "base/strings.hpp"

namespace envbuild::solve {

namespace {

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

bool says_gpu(std::string_view build) {
    const auto lower = to_lower(build);
    return contains(lower, "cuda") || contains(lower, "gpu");
}

bool says_cpu(std::string_view build) {
    return contains(to_lower(build), "cpu");
}

// What only a GPU build needs. A name that merely begins like one (cuda-python) is CUDA too.
bool is_cuda_package(std::string_view name) {
    static constexpr std::array<std::string_view, 8> kNames = {
        "__cuda", "cudatoolkit", "cudnn", "pytorch-cuda", "cuda", "nccl", "pytorch-gpu", "tensorflow-gpu"};
    return name.starts_with("cuda-") || std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

}  // namespace

bool is_gpu_build(const conda::PackageRecord& record) {
    if (says_cpu(record.build)) return false;
    if (says_gpu(record.build)) return true;
    bool needs_gpu = false;
    for (const auto& text : record.depends) {
        const auto need = conda::MatchSpec::parse(text, conda::Dialect::Conda);
        if (!need) continue;
        if (need->name() == "cpuonly") return false;
        needs_gpu = needs_gpu || is_cuda_package(need->name()) ||
                    (!need->build().is_any() && says_gpu(need->build().to_string()));
    }
    return needs_gpu;
}

bool is_gpu_build(const LazyRecord& record) {
    // What names of CUDA packages and builds have in common.
    static constexpr std::array<std::string_view, 7> kSigns = {"cud", "gpu", "nccl", "CUD", "GPU", "Cud", "Gpu"};
    const auto build = record.head().build;
    if (says_cpu(build)) return false;
    if (says_gpu(build)) return true;
    return std::ranges::any_of(kSigns, [&](auto sign) { return record.may_hold(sign); }) && is_gpu_build(*record);
}

bool comes_in_both(const std::vector<Candidate>& candidates) {
    std::unordered_map<std::string_view, std::pair<bool, bool>> by_version;
    for (const auto& candidate : candidates) {
        auto& [gpu, other] = by_version[candidate.record.head().version->to_string()];
        (is_gpu_build(candidate.record) ? gpu : other) = true;
    }
    return std::any_of(by_version.begin(), by_version.end(),
                       [](const auto& entry) { return entry.second.first && entry.second.second; });
}

std::set<std::string> asked_as_cpu(const std::vector<conda::MatchSpec>& specs) {
    std::set<std::string> names;
    for (const auto& spec : specs) {
        const auto& name = spec.name();
        if (name == "cpuonly") names.insert("*");
        if (name.ends_with("-cpu")) names.insert(name.substr(0, name.size() - 4));
        if (!spec.build().is_any() && says_cpu(spec.build().to_string())) names.insert(name);
    }
    return names;
}

}  // namespace envbuild::solve
