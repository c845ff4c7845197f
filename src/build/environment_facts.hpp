// What a list shows of an environment, read off its intent: nothing is resolved.
#pragma once

#include <string>
#include <vector>

#include "base/json.hpp"
#include "catalog/cuda.hpp"
#include "spec/environment_spec.hpp"

namespace envbuild::build {

struct EnvironmentFacts {
    std::string python;                   // "3.6.2", "3.11"; "" where the file does not say
    std::vector<std::string> frameworks;  // "torch==1.6.0", as asked
    std::string cuda;                     // as asked, or as the base's name says
    std::string base;
    bool gpu = false;
};

// Frameworks are the packages that curated/cuda-compat.yaml has rows for.
[[nodiscard]] EnvironmentFacts environment_facts(const spec::EnvironmentSpec& spec, const catalog::CudaCompat& compat);

// As claims and --json have it.
[[nodiscard]] Json to_json(const EnvironmentFacts& facts);

}  // namespace envbuild::build
