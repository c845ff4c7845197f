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

Expected<std::map<std::string, std::string>> virtual_packages(const Target& target, const ProcessEnv& env) {
    std::map<std::string, std::string> packages;
    packages["__unix"] = "0";
    packages["__linux"] = kLinux;
    if (!target.glibc.empty()) packages["__glibc"] = target.glibc;
    if (!target.cuda.empty()) packages["__cuda"] = target.cuda;
    packages["__archspec"] = "1=" + (target.cpu.empty() ? plain_cpu(target.platform) : target.cpu);

    const auto override_with = [&](const char* variable, const std::string& name, const std::string& prefix) {
        const auto value = env.get(variable);
        if (!value) return;
        if (value->empty()) {
            packages.erase(name);
        } else {
            packages[name] = prefix + *value;
        }
    };
    override_with("CONDA_OVERRIDE_LINUX", "__linux", "");
    override_with("CONDA_OVERRIDE_GLIBC", "__glibc", "");
    override_with("CONDA_OVERRIDE_CUDA", "__cuda", "");
    override_with("CONDA_OVERRIDE_ARCHSPEC", "__archspec", "1=");

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
