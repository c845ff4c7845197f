#include <fmt/format.h>

#include "dockerfile/context.hpp"

namespace envbuild::dockerfile {

namespace {

// What a container gets whose image sets no PATH (moby, oci/defaults).
constexpr std::string_view kDefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

}  // namespace

std::map<std::string, std::string> environment(const EnvironmentInput& input) {
    std::map<std::string, std::string> env;
    env["CONDA_PREFIX"] = input.prefix;
    env["CONDA_DEFAULT_ENV"] = input.prefix;  // as conda sets it for an environment that is named by its path
    if (input.gpu) {
        env["NVIDIA_VISIBLE_DEVICES"] = "all";
        env["NVIDIA_DRIVER_CAPABILITIES"] = "compute,utility";
        if (!input.nvidia_require_cuda.empty()) env["NVIDIA_REQUIRE_CUDA"] = input.nvidia_require_cuda;
    }
    for (const auto& [name, value] : input.activation) env[name] = value;
    for (const auto& [name, value] : input.variables) env[name] = value;
    // A PATH of the activation's or the user's is kept, behind the environment's own programs.
    const auto asked = env.find("PATH");
    const std::string rest = asked != env.end() ? asked->second : std::string();
    const std::string bin = input.prefix + "/bin";
    const std::string base(input.base_path.empty() ? kDefaultPath : std::string_view(input.base_path));
    const std::string& tail = rest.empty() ? base : rest;
    env["PATH"] = tail == bin || tail.starts_with(bin + ":") ? tail : fmt::format("{}:{}", bin, tail);
    return env;
}

std::map<std::string, std::string> standard_labels(std::string_view base_name, const Digest& base_digest,
                                                   std::string_view lock_hash_hex) {
    return {{"dev.envbuild.lock-hash", std::string(lock_hash_hex)},
            {"org.opencontainers.image.base.digest", base_digest.to_string()},
            {"org.opencontainers.image.base.name", std::string(base_name)}};
}

}  // namespace envbuild::dockerfile
