#include "pypi/marker_environment.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "pypi/pep440.hpp"

namespace envbuild::pypi {

Expected<MarkerEnvironment> MarkerEnvironment::cpython_on_linux(std::string_view full_version,
                                                                std::string_view machine) {
    const auto version = Pep440Version::parse(full_version);
    if (!version || version->release().size() < 2) {
        return fail(ErrorKind::InvalidInput,
                    fmt::format("'{}' is not a version of Python; it has at least two numbers", full_version));
    }
    MarkerEnvironment environment;
    environment.implementation_name = "cpython";
    environment.implementation_version = full_version;
    environment.os_name = "posix";
    environment.platform_machine = machine;
    environment.platform_python_implementation = "CPython";
    environment.platform_system = "Linux";
    environment.python_full_version = full_version;
    environment.python_version = version->release()[0] + "." + version->release()[1];
    environment.sys_platform = "linux";
    return environment;
}

std::optional<std::string_view> MarkerEnvironment::find(std::string_view variable) const {
    struct Field {
        std::string_view name;
        std::string MarkerEnvironment::* value;
    };
    static constexpr std::array kFields = {
        Field{"implementation_name", &MarkerEnvironment::implementation_name},
        Field{"implementation_version", &MarkerEnvironment::implementation_version},
        Field{"os_name", &MarkerEnvironment::os_name},
        Field{"platform_machine", &MarkerEnvironment::platform_machine},
        Field{"platform_python_implementation", &MarkerEnvironment::platform_python_implementation},
        Field{"platform_release", &MarkerEnvironment::platform_release},
        Field{"platform_system", &MarkerEnvironment::platform_system},
        Field{"platform_version", &MarkerEnvironment::platform_version},
        Field{"python_full_version", &MarkerEnvironment::python_full_version},
        Field{"python_version", &MarkerEnvironment::python_version},
        Field{"sys_platform", &MarkerEnvironment::sys_platform},
    };
    const auto field = std::ranges::find(kFields, variable, &Field::name);
    if (field == kFields.end()) return std::nullopt;
    return this->*field->value;
}

}  // namespace envbuild::pypi
