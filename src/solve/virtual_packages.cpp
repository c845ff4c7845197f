#include "solve/virtual_packages.hpp"

namespace envbuild::solve {

Expected<std::vector<conda::PackageRecord>> virtual_records(const std::map<std::string, std::string>& packages) {
    std::vector<conda::PackageRecord> records;
    for (const auto& [name, value] : packages) {
        if (!name.starts_with("__")) {
            return fail(ErrorKind::InvalidInput, "the virtual package '" + name + "' does not begin with '__'");
        }
        const auto equals = value.find('=');
        auto version = conda::Version::parse(value.substr(0, equals));
        if (!version) {
            return fail(ErrorKind::InvalidInput,
                        "the virtual package " + name + " has no valid version: " + version.error().message());
        }
        conda::PackageRecord record;
        record.name = name;
        record.version = std::move(*version);
        record.build = equals == std::string::npos ? "0" : value.substr(equals + 1);
        records.push_back(std::move(record));
    }
    return records;
}

}  // namespace envbuild::solve
