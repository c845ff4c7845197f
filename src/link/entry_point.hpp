// What a noarch Python package, or a wheel, becomes in a prefix with a given Python: mapped paths, entry point scripts,
// names of .pyc files.
#pragma once

#include <string>

#include "conda/index_json.hpp"
#include "link/link_target.hpp"

namespace envbuild::link {

// site-packages/… and python-scripts/… where this Python has them (CEP 20, "noarch: python"); other paths as they are.
[[nodiscard]] std::string noarch_python_path(const LinkTarget& target, const std::string& path);
// The script that conda writes to bin/<command>.
[[nodiscard]] std::string entry_point_script(const LinkTarget& target, const conda::EntryPoint& point);
// How a script begins that the prefix's Python is to run: "#!/opt/env/bin/python3.11", and where Linux would not take
// that (over 127 bytes, or with a blank) two lines that /bin/sh runs and Python reads as a string, as pip writes them.
[[nodiscard]] std::string python_shebang(const LinkTarget& target);
// What a wheel's entry point becomes.
[[nodiscard]] std::string wheel_script(const LinkTarget& target, const conda::EntryPoint& point);
// "a/b.py" -> "a/__pycache__/b.cpython-311.pyc" (PEP 3147).
[[nodiscard]] std::string pyc_path(const LinkTarget& target, const std::string& source);

}  // namespace envbuild::link
