// What doctor learns from services: the engine, the registry, channels, the package index, base images; and from the
// disk and the clock of this host.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>
#include <vector>

#include "build/doctor.hpp"

namespace envbuild::build {

// The engine as doctor's other checks need it.
struct EngineFacts {
    bool reachable = false;
    bool nvidia_runtime = false;
    std::vector<std::string> cdi_folders;
};

using Findings = std::vector<Finding>;

[[nodiscard]] Findings check_engine(const Workbench& bench, EngineFacts& facts);
[[nodiscard]] Findings check_registry(const Workbench& bench);
// Nothing where there is no such setting.
[[nodiscard]] Findings check_curated_repository(const Workbench& bench);
// `times` gets how far the clocks of the servers that answered are ahead of this host's.
[[nodiscard]] Findings check_channels(const DoctorOptions& options, const Workbench& bench,
                                      std::vector<std::chrono::seconds>& times);
[[nodiscard]] Findings check_index(const Workbench& bench, std::vector<std::chrono::seconds>& times);
[[nodiscard]] Findings check_bases(const DoctorOptions& options, const Workbench& bench);
[[nodiscard]] Findings check_disk(const Workbench& bench);
[[nodiscard]] Finding check_clock(const std::vector<std::chrono::seconds>& times);

// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, section 5.6.7, the form that servers send). Nothing for another.
[[nodiscard]] std::optional<std::chrono::system_clock::time_point> parse_http_date(std::string_view text);

}  // namespace envbuild::build
