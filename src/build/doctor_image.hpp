// What an image asks of the host that runs it, and whether this one has it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "build/doctor.hpp"
#include "build/doctor_host.hpp"
#include "catalog/cuda.hpp"

namespace envbuild::build {

struct ImageNeeds {
    std::string name;                        // as found: "registry.lab:5000/team/envs@sha256:…"
    std::string platform;                    // "linux/amd64"
    std::string cuda;                        // "12.4.1": of its CUDA_VERSION; "" unknown or none
    std::vector<std::string> requires_cuda;  // the values of its NVIDIA_REQUIRE_*
    bool wants_gpu = false;                  // any of the above, or NVIDIA_VISIBLE_DEVICES
    bool built_here = false;                 // by envbuild: it has a lock hash
};

// From a config's environment and labels. What `built` is: the manifest's annotations have a lock hash.
[[nodiscard]] ImageNeeds needs_of(const std::vector<std::string>& env, bool built);

// Looks in the registry (mirrors first), in an OCI layout ("oci:/path@sha256:…", "oci:/path:tag"), and in the engine.
// NotFound with the places asked; InvalidInput for what is no name; else what the registry failed with.
[[nodiscard]] ImageNeeds read_needs(const std::string& image, const conda::Platform& platform, const Workbench& bench);

enum class Requirement : std::uint8_t { Met, Unmet, Unknown };

// NVIDIA_REQUIRE_CUDA as the NVIDIA container runtime reads it: alternatives apart by spaces, conditions of one by
// commas: "cuda>=12.4 brand=tesla,driver>=535,driver<536". What the host does not say (its brand) makes an alternative
// Unknown; so does a condition that is not known.
[[nodiscard]] Requirement evaluate_requirement(std::string_view expression, const GpuHost& host);

// The lines about the image on this host.
[[nodiscard]] std::vector<Finding> check_image(const ImageNeeds& needs, const GpuHost& host,
                                               const catalog::CudaCompat& table);
// Whether a CUDA version has code for a GPU. `who` begins the text: "the image's CUDA 12.4".
[[nodiscard]] Finding check_compute(const Gpu& gpu, const catalog::CudaVersion& cuda, const std::string& who,
                                    const catalog::CudaCompat& table);

}  // namespace envbuild::build
