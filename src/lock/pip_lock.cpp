#include "lock/pip_lock.hpp"

#include <fmt/format.h>

#include <vector>

#include "base/strings.hpp"
#include "lock/toml_writer.hpp"
#include "pypi/line_parser.hpp"
#include "pypi/pep440.hpp"

namespace envbuild::lock {

namespace {

using Members = std::vector<std::pair<std::string, std::string>>;  // key, value as TOML

std::string inline_table(const Members& members) {
    std::vector<std::string> texts;
    for (const auto& [key, value] : members) texts.push_back(key + " = " + value);
    return "{" + join(texts, ", ") + "}";
}

std::string hashes(const PipPackage& package) {
    return inline_table({{"sha256", toml_string(package.sha256.hex())}});
}

bool is_tree(const PipPackage& package) {
    return package.is_local() && !pypi::has_archive_ending(package.url);
}

// "https://host/repo.git" and "<commit>" of "git+https://host/repo.git@<commit>".
std::pair<std::string, std::string> repository_of(const PipPackage& package) {
    const auto url = package.url.substr(std::string_view("git+").size());
    const auto at = url.rfind('@');
    return {url.substr(0, at), url.substr(at + 1)};
}

void add_subdirectory(const PipPackage& package, Members& members) {
    if (!package.subdirectory.empty()) members.emplace_back("subdirectory", toml_string(package.subdirectory));
}

// The one key that says where the package comes from.
std::pair<std::string, std::string> source_of(const PipPackage& package) {
    if (package.is_repository()) {
        const auto [url, commit] = repository_of(package);
        Members vcs = {{"type", toml_string("git")}, {"url", toml_string(url)}, {"commit-id", toml_string(commit)}};
        add_subdirectory(package, vcs);
        return {"vcs", inline_table(vcs)};
    }
    if (is_tree(package)) {
        Members directory = {{"path", toml_string(package.url)}};
        add_subdirectory(package, directory);
        return {"directory", inline_table(directory)};
    }
    const Members place = {{package.is_local() ? "path" : "url", toml_string(package.url)},
                           {"hashes", hashes(package)}};
    if (package.direct || package.is_local()) {
        Members archive = place;
        add_subdirectory(package, archive);
        return {"archive", inline_table(archive)};
    }
    Members file = {{"name", toml_string(package.file_name)}};
    file.insert(file.end(), place.begin(), place.end());
    return package.is_wheel() ? std::pair(std::string("wheels"), "[" + inline_table(file) + "]")
                              : std::pair(std::string("sdist"), inline_table(file));
}

// "==3.12.*": other patch versions install the same files.
std::string requires_python(const Lock& lock) {
    const auto version = pypi::Pep440Version::parse(lock.python_version);
    if (!version || version->release().size() < 2) return "";
    return fmt::format("=={}.{}.*", version->release()[0], version->release()[1]);
}

std::string requirement_of(const PipPackage& package) {
    if (package.is_repository() || is_tree(package)) {
        throw Error(
            ErrorKind::InvalidInput,
            fmt::format("{} ({}) has no hash that pip could check, and then it checks none", package.name, package.url))
            .with_hint("--format pylock has a place for repositories and folders");
    }
    const auto hash = " --hash=sha256:" + package.sha256.hex();
    if (package.is_local()) return package.url + hash;
    if (!package.direct) return package.name + "==" + package.version + hash;
    const auto folder = package.subdirectory.empty() ? "" : "#subdirectory=" + package.subdirectory;
    return package.name + " @ " + package.url + folder + hash;
}

}  // namespace

std::string write_pylock(const Lock& lock) {
    std::string text = "# This lock file was written by envbuild: what pip installs beside the conda packages.\n";
    const auto line = [&](std::string_view key, std::string_view value) {
        text += fmt::format("{} = {}\n", key, value);
    };
    line("lock-version", toml_string("1.0"));
    const auto marker = fmt::format("sys_platform == 'linux' and platform_machine == '{}'", lock.platform.machine());
    line("environments", "[" + toml_string(marker) + "]");
    if (const auto python = requires_python(lock); !python.empty()) line("requires-python", toml_string(python));
    line("created-by", toml_string("envbuild"));
    bool any = false;
    for (const auto& package : lock.pip) {
        if (package.build_only) continue;
        any = true;
        text += "\n[[packages]]\n";
        line("name", toml_string(package.name));
        const auto [key, value] = source_of(package);
        // Of a source tree the version is what its build says.
        if (key == "wheels" || key == "sdist" || package.is_wheel()) line("version", toml_string(package.version));
        line(key, value);
    }
    if (!any) line("packages", "[]");
    return text;
}

std::string write_requirements(const Lock& lock, const pypi::IndexOptions& indexes) {
    std::string text =
        fmt::format("# Written by envbuild for {}{}: what pip installs beside the conda packages.\n",
                    lock.platform.to_string(), lock.python_version.empty() ? "" : " and Python " + lock.python_version);
    text += "# Some of it may need those: pip install --no-deps -r takes what is here alone.\n";
    if (indexes.no_index) text += "--no-index\n";
    for (std::size_t i = 0; i < indexes.index_urls.size(); ++i)
        text += fmt::format("{} {}\n", i == 0 ? "--index-url" : "--extra-index-url", indexes.index_urls[i]);
    for (const auto& place : indexes.find_links) text += fmt::format("--find-links {}\n", place);
    for (const auto& package : lock.pip) {
        if (!package.build_only) text += requirement_of(package) + "\n";
    }
    return text;
}

}  // namespace envbuild::lock
