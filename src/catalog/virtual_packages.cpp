#include "catalog/virtual_packages.hpp"

#include "conda/version.hpp"

namespace envbuild::catalog {

namespace {

// What the node's kernel is taken to be: no package of conda-forge asks for a newer one, and conda-lock takes the same.
constexpr const char* kLinux = "5.10";

std::string plain_cpu(const conda::Platform& platform) {
    const auto& name = platform.to_string();
    if (name == "linux-64") return "x86_64";
    if (name == "linux-32") return "x86";
    const auto dash = name.find('-');
    return dash == std::string::npos ? name : name.substr(dash + 1);
}

}  // namespace

Expected<std::map<std::string, std::string>> virtual_packages(const Target& target,
                                                              const std::map<std::string, std::string>& overrides) {
    std::map<std::string, std::string> packages;
    packages["__unix"] = "0";
    packages["__linux"] = kLinux;
    if (!target.glibc.empty()) packages["__glibc"] = target.glibc;
    if (!target.cuda.empty()) packages["__cuda"] = target.cuda;
    packages["__archspec"] = "1=" + (target.cpu.empty() ? plain_cpu(target.platform) : target.cpu);

    for (const auto& [name, value] : overrides) {
        if (value.empty()) {
            packages.erase(name);
        } else {
            packages[name] = (name == "__archspec" ? "1=" : "") + value;
        }
    }
    for (const auto& [name, value] : packages) {
        const auto version = value.substr(0, value.find('='));
        if (auto parsed = conda::Version::parse(version); !parsed) {
            return fail(ErrorKind::InvalidInput,
                        "the version '" + version + "' of " + name + " is none: " + parsed.error().message());
        }
    }
    return packages;
}

}  // namespace envbuild::catalog
