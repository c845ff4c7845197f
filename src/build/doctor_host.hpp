// What doctor learns from programs and files of this host: the NVIDIA driver, GPUs, the container toolkit.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/process.hpp"
#include "base/process_env.hpp"
#include "build/doctor.hpp"
#include "catalog/cuda.hpp"

namespace envbuild::build {

// Programs and files of a host; a value, so that tests can make one of a folder.
class HostTools {
  public:
    HostTools(ProcessEnv env, const DoctorOptions& options, CancelToken cancel)
        : env_(std::move(env)), root_(options.root), timeout_(options.command_timeout), cancel_(std::move(cancel)) {}

    // In the PATH of the environment. Nothing where it is not there.
    [[nodiscard]] std::optional<std::filesystem::path> find(std::string_view program) const;
    // Runs it: exit code and outputs. An Error for one that cannot be run or hangs; Cancelled is thrown.
    [[nodiscard]] Expected<ProcessResult> run(const std::filesystem::path& program,
                                              const std::vector<std::string>& arguments) const;
    [[nodiscard]] std::optional<std::string> read(std::string_view path) const;  // below the root
    [[nodiscard]] std::filesystem::path path(std::string_view absolute) const;

  private:
    ProcessEnv env_;
    std::filesystem::path root_;
    std::chrono::milliseconds timeout_;
    CancelToken cancel_;
};

struct Gpu {
    std::string name;
    std::optional<catalog::CudaVersion> compute;  // "8.6"; nothing where the driver is too old to say
    std::string memory_mib;
};

struct GpuHost {
    std::string driver;  // "550.54.15"; "" for none
    std::string cuda;    // "12.4": the newest that the driver runs by itself; "" where it does not say
    std::vector<Gpu> gpus;
    bool has_smi = false;
    std::string trouble, advice;  // why the driver does not answer; "" where it does, or where there is none
};

[[nodiscard]] GpuHost look_for_gpus(const HostTools& tools);

// Lines of `nvidia-smi --query-gpu=name,driver_version,compute_cap,memory.total --format=csv,noheader,nounits`, or
// without compute_cap.
[[nodiscard]] std::vector<Gpu> parse_gpu_list(std::string_view csv, bool with_compute, std::string& driver);
// "CUDA Version: 12.4" in what nvidia-smi prints; "" where it is not there.
[[nodiscard]] std::string parse_cuda_version(std::string_view text);
// The version in /proc/driver/nvidia/version; "" where it is not there.
[[nodiscard]] std::string parse_driver_file(std::string_view text);

struct ContainerToolkit {
    std::string program;  // "nvidia-ctk", …; "" for none
    std::string version;
    std::vector<std::string> cdi_specs;  // files that speak of nvidia.com/gpu
    std::string trouble;  // what nvidia-container-cli says of this host; "" where it is content or not asked
    [[nodiscard]] bool present() const { return !program.empty() || !cdi_specs.empty(); }
};

[[nodiscard]] ContainerToolkit look_for_toolkit(const HostTools& tools, bool with_gpu);

}  // namespace envbuild::build
