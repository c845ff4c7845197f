#include "link/link_target.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/strings.hpp"
#include "conda/paths_json.hpp"

namespace envbuild::link {

std::string LinkTarget::python_short() const {
    const auto parts = split(python_version, '.');
    if (parts.size() < 2) return python_version;
    return fmt::format("{}.{}", parts[0], parts[1]);
}

std::string LinkTarget::site_packages_dir() const {
    return site_packages.empty() ? fmt::format("lib/python{}/site-packages", python_short()) : site_packages;
}

std::string LinkTarget::headers_dir() const {
    // A build without the global lock says so in the folder's name ("python3.13t"), one before 3.8 in this one's alone.
    std::string name = "python" + python_short();
    for (const auto part : split(site_packages, '/')) {
        if (part.starts_with("python3")) name = part;
    }
    const std::string version = python_short();
    const auto parts = split(version, '.');
    const bool old = parts.size() == 2 && parts[0] == "3" && parts[1].size() == 1 && parts[1] < "8";
    return fmt::format("include/{}{}", name, old ? "m" : "");
}

Expected<void> LinkTarget::check() const {
    const bool printable = is_valid_utf8(prefix) && !has_control_character(prefix);
    if (!printable || !prefix.starts_with('/') || conda::bad_path_reason(std::string_view(prefix).substr(1))) {
        return fail(ErrorKind::InvalidInput,
                    fmt::format("the prefix {} is not an absolute, plain path such as /opt/env",
                                printable ? fmt::format("'{}'", prefix) : "given"));
    }
    const bool digits = std::ranges::all_of(split(python_version, '.'), [](std::string_view part) {
        return !part.empty() && part.size() < 20 &&
               part.find_first_not_of("0123456789abcrdevpost+*") == std::string_view::npos;
    });
    if (!python_version.empty() && (!digits || split(python_version, '.').size() < 2)) {
        return fail(ErrorKind::InvalidInput, "the Python version is not of the form 3.11 or 3.11.2");
    }
    if (!site_packages.empty()) {
        if (const auto reason = conda::bad_path_reason(site_packages)) {
            return fail(ErrorKind::InvalidInput, fmt::format("the site-packages path {}", *reason));
        }
    }
    return {};
}

}  // namespace envbuild::link
