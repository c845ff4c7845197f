// --python: which Python a requirements file is for.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"

namespace envbuild::spec {

// What `asked` means as a conda spec: "3.11" -> "python=3.11", ">=3.10,<3.12" -> "python>=3.10,<3.12",
// "3.10|3.11" -> "python 3.10|3.11". InvalidInput for what is no version.
[[nodiscard]] Expected<std::string> python_spec(std::string_view asked);

}  // namespace envbuild::spec
