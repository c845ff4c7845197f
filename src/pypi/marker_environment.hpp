// What environment markers are evaluated for (PEP 508, "Environment Markers"): the target, never this machine.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace envbuild::pypi {

// The variables of one interpreter on one platform. What the target does not say is "": no version comparison with it
// holds.
struct MarkerEnvironment {
    std::string implementation_name, implementation_version;
    std::string os_name;
    std::string platform_machine, platform_python_implementation, platform_release, platform_system, platform_version;
    std::string python_full_version, python_version;
    std::string sys_platform;

    // CPython on Linux: `full_version` is "3.11.4" or "3.13.0rc1", `machine` "x86_64" or "aarch64". Release and version
    // of the kernel are not known: they are the node's. InvalidInput for a text that is no Python version.
    [[nodiscard]] static Expected<MarkerEnvironment> cpython_on_linux(std::string_view full_version,
                                                                      std::string_view machine);

    // By PEP 508's name; nothing for a name that is no variable, or "extra".
    [[nodiscard]] std::optional<std::string_view> find(std::string_view variable) const;
};

}  // namespace envbuild::pypi
