#include "link/entry_point.hpp"

#include <fmt/format.h>

#include "base/strings.hpp"
#include "link/prefix_replace.hpp"

namespace envbuild::link {

std::string noarch_python_path(const LinkTarget& target, const std::string& path) {
    constexpr std::string_view kSitePackages = "site-packages/";
    constexpr std::string_view kScripts = "python-scripts/";
    if (path.starts_with(kSitePackages)) return target.site_packages_dir() + "/" + path.substr(kSitePackages.size());
    if (path.starts_with(kScripts)) return "bin/" + path.substr(kScripts.size());
    return path;
}

std::string entry_point_script(const LinkTarget& target, const conda::EntryPoint& point) {
    const std::string imported = point.function.substr(0, point.function.find('.'));
    const std::string script = fmt::format(
        "#!{}/bin/python{}\n"
        "# -*- coding: utf-8 -*-\n"
        "import re\n"
        "import sys\n"
        "\n"
        "from {} import {}\n"
        "\n"
        "if __name__ == '__main__':\n"
        "    sys.argv[0] = re.sub(r'(-script\\.pyw?|\\.exe)?$', '', sys.argv[0])\n"
        "    sys.exit({}())\n",
        replace_all(target.prefix, " ", "\\ "), target.python_short(), point.module, imported, point.function);
    return shorten_shebang(script);
}

std::string pyc_path(const LinkTarget& target, const std::string& source) {
    const auto slash = source.rfind('/');
    const std::string folder = slash == std::string::npos ? "" : source.substr(0, slash + 1);
    const std::string stem = source.substr(folder.size(), source.size() - folder.size() - 3);
    return fmt::format("{}__pycache__/{}.cpython-{}.pyc", folder, stem, replace_all(target.python_short(), ".", ""));
}

}  // namespace envbuild::link
