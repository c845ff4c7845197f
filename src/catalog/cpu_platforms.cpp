#include "catalog/cpu_platforms.hpp"

#include "conda/platform.hpp"
#include "spec/yaml.hpp"

namespace envbuild::catalog {

CpuPlatforms CpuPlatforms::load(const std::filesystem::path& directory) {
    CpuPlatforms cpus;
    const auto root = spec::read_yaml(directory / "cpus.yaml");
    for (const auto& [key, value] : root.as_mapping("the list of CPUs")) {
        const auto platform = conda::Platform::parse(key.text());
        if (!platform) throw key.error_at(platform.error().message());
        for (auto& cpu : value.as_strings(key.text())) cpus.rows_.emplace_back(std::move(cpu), platform->to_string());
    }
    return cpus;
}

std::string CpuPlatforms::platform_of(std::string_view cpu) const {
    for (const auto& [name, platform] : rows_) {
        const bool begins = name.ends_with('*') && cpu.starts_with(std::string_view(name).substr(0, name.size() - 1));
        if (begins || name == cpu) return platform;
    }
    return "";
}

}  // namespace envbuild::catalog
