// Names and versions of projects as wheels spell them.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"

namespace envbuild::link {

// "{name}-{version}(-{build})?-{python}-{abi}-{platform}.whl" (PEP 427).
struct WheelName {
    std::string project;  // normalised
    std::string version;  // as written

    // InvalidInput where the name is not of that form.
    [[nodiscard]] static Expected<WheelName> parse(std::string_view file_name);
};

// "Foo.Bar_baz" -> "foo-bar-baz" (PEP 503).
[[nodiscard]] std::string normalized_project(std::string_view name);
// Whether two spellings are one version: "1.0+cu118" and "1.0_cu118", "2020.01" and "2020.1", "1.0beta1" and "1.0b1".
// Tools escaped versions in file names in several ways over time.
[[nodiscard]] bool same_version(std::string_view a, std::string_view b);
// "numpy-1.26.0.dist-info", "six-1.16.0-py3.11.egg-info" -> "numpy", "six", normalised; "" for what is neither.
[[nodiscard]] std::string project_of_metadata(std::string_view entry);

}  // namespace envbuild::link
