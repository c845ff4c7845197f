#include "link/entry_point.hpp"

#include <fmt/format.h>

#include "base/strings.hpp"
#include "link/prefix_replace.hpp"

namespace envbuild::link {

namespace {

constexpr std::size_t kMaxShebang = 126;  // as pip counts: 127 with the line's end

std::string script_body(const conda::EntryPoint& point) {
    const std::string imported = point.function.substr(0, point.function.find('.'));
    return fmt::format(
        "# -*- coding: utf-8 -*-\n"
        "import re\n"
        "import sys\n"
        "\n"
        "from {} import {}\n"
        "\n"
        "if __name__ == '__main__':\n"
        "    sys.argv[0] = re.sub(r'(-script\\.pyw?|\\.exe)?$', '', sys.argv[0])\n"
        "    sys.exit({}())\n",
        point.module, imported, point.function);
}

}  // namespace

std::string noarch_python_path(const LinkTarget& target, const std::string& path) {
    constexpr std::string_view kSitePackages = "site-packages/";
    constexpr std::string_view kScripts = "python-scripts/";
    if (path.starts_with(kSitePackages)) return target.site_packages_dir() + "/" + path.substr(kSitePackages.size());
    if (path.starts_with(kScripts)) return "bin/" + path.substr(kScripts.size());
    return path;
}

std::string entry_point_script(const LinkTarget& target, const conda::EntryPoint& point) {
    return shorten_shebang(fmt::format("#!{}/bin/python{}\n{}", replace_all(target.prefix, " ", "\\ "),
                                       target.python_short(), script_body(point)));
}

std::string python_shebang(const LinkTarget& target) {
    const std::string python = fmt::format("{}/bin/python{}", target.prefix, target.python_short());
    const bool blank = python.find(' ') != std::string::npos;
    if (!blank && python.size() + 2 <= kMaxShebang) return fmt::format("#!{}\n", python);
    const std::string quoted = blank ? "\"" + python + "\"" : python;
    return fmt::format("#!/bin/sh\n'''exec' {} \"$0\" \"$@\"\n' '''\n", quoted);
}

std::string wheel_script(const LinkTarget& target, const conda::EntryPoint& point) {
    return python_shebang(target) + script_body(point);
}

std::string pyc_path(const LinkTarget& target, const std::string& source) {
    const auto slash = source.rfind('/');
    const std::string folder = slash == std::string::npos ? "" : source.substr(0, slash + 1);
    const std::string stem = source.substr(folder.size(), source.size() - folder.size() - 3);
    return fmt::format("{}__pycache__/{}.cpython-{}.pyc", folder, stem, replace_all(target.python_short(), ".", ""));
}

}  // namespace envbuild::link
