#include "catalog/pypi_names.hpp"

#include <algorithm>

#include "pypi/requirement_line.hpp"
#include "spec/yaml.hpp"

namespace envbuild::catalog {

namespace {

bool depends_on_python(const conda::PackageRecord& record) {
    if (record.noarch == conda::Noarch::Python) return true;
    return std::ranges::any_of(record.depends, [](const std::string& text) {
        const auto name = text.substr(0, text.find_first_of(" =<>!~["));
        return name == "python" || name == "python_abi";
    });
}

}  // namespace

PypiNames PypiNames::load(const std::filesystem::path& directory) {
    PypiNames made;
    const auto root = spec::read_yaml(directory / "pypi-names.yaml");
    for (const auto& [key, value] : root.as_mapping("the table of names")) {
        if (key.text() != "names") throw key.error_at("the table has one member, 'names'");
        for (const auto& [name, projects] : value.as_mapping("names")) {
            for (const auto& project : projects.as_strings(name.text())) {
                if (project != pypi::normalize_name(project))
                    throw projects.error_at("'" + project + "' is not written as " + pypi::normalize_name(project));
            }
            if (!made.names_.emplace(name.text(), projects.as_strings(name.text())).second)
                throw name.error_at("'" + name.text() + "' is there a second time");
        }
    }
    return made;
}

std::vector<std::string> PypiNames::of(const conda::PackageRecord& record) const {
    if (!depends_on_python(record)) return {};
    const auto listed = names_.find(record.name);
    return listed == names_.end() ? std::vector{pypi::normalize_name(record.name)} : listed->second;
}

}  // namespace envbuild::catalog
