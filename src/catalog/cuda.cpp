#include "catalog/cuda.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/strings.hpp"
#include "spec/yaml.hpp"

namespace envbuild::catalog {

namespace {

using spec::YamlNode;

const YamlNode& required(const YamlNode& node, std::string_view key) {
    const auto* found = node.find(key);
    if (found == nullptr) throw node.error_at("'" + std::string(key) + "' is missing");
    return *found;
}

CudaVersion cuda_of(const YamlNode& node) {
    auto version = CudaVersion::parse(node.as_string("a CUDA version"));
    if (!version) throw node.error_at(version.error().message());
    return *version;
}

FrameworkRow row_of(const YamlNode& node) {
    FrameworkRow row;
    row.manager = required(node, "manager").as_string("manager");
    if (row.manager != "pip" && row.manager != "conda") throw required(node, "manager").error_at("pip or conda");
    row.package = required(node, "package").as_string("package");
    row.version = node.string_or("version", "");
    row.cudnn = node.string_or("cudnn", "");
    row.source = node.string_or("source", "");
    if (const auto* cuda = node.find("cuda")) {
        const auto& text = cuda->as_string("cuda");
        if (text != "bundled" && text != "base") throw cuda->error_at("'cuda' is bundled or base");
        row.loads_base = text == "base";
    }
    if (const auto* builds = node.find("builds")) {
        for (const auto& build : builds->as_sequence("builds")) {
            row.builds.push_back(build.text() == "=" ? build.text() : cuda_of(build).to_string());
        }
    }
    if (row.loads_base && row.builds.empty()) throw node.error_at("what loads the base's CUDA needs 'builds'");
    return row;
}

bool version_under(std::string_view version, std::string_view prefix) {
    return prefix.empty() || version == prefix ||
           (version.starts_with(prefix) &&
            std::string_view(".+").find(version[prefix.size()]) != std::string_view::npos);
}

}  // namespace

CudaCompat CudaCompat::load(const std::filesystem::path& file) {
    const auto root = spec::read_yaml(file);
    CudaCompat compat;
    compat.default_target_ = cuda_of(required(root, "default_target")).to_string();
    for (const auto& [key, list] :
         {std::pair("drivers", &compat.drivers_), std::pair("minor_version_drivers", &compat.minor_drivers_)}) {
        for (const auto& node : required(root, key).as_sequence(key)) {
            list->push_back({cuda_of(required(node, "cuda")), required(node, "linux").as_string("linux")});
        }
    }
    for (const auto& node : required(root, "forward_compatible").as_sequence("forward_compatible")) {
        compat.forward_.push_back({cuda_of(required(node, "cuda")), required(node, "branches").as_strings("branches")});
    }
    for (const auto& node : required(root, "frameworks").as_sequence("frameworks")) {
        compat.frameworks_.push_back(row_of(node));
    }
    for (const auto& node : required(root, "runtimes").as_sequence("runtimes"))
        compat.runtimes_.push_back(row_of(node));
    return compat;
}

const FrameworkRow* CudaCompat::find(std::string_view manager, std::string_view package,
                                     std::string_view version) const {
    const auto found = std::find_if(frameworks_.begin(), frameworks_.end(), [&](const auto& row) {
        return row.manager == manager && row.package == package && version_under(version, row.version);
    });
    return found == frameworks_.end() ? nullptr : &*found;
}

std::string CudaCompat::min_driver(const CudaVersion& cuda, bool minor_compatible) const {
    if (minor_compatible) {
        for (const auto& driver : minor_drivers_) {
            if (cuda.fits(driver.cuda)) return driver.linux_driver;
        }
    }
    // The newest toolkit of the same minor version that is not newer than the one asked for.
    const Driver* best = nullptr;
    for (const auto& driver : drivers_) {
        if (driver.cuda.major_minor() != cuda.major_minor() || driver.cuda > cuda) continue;
        if (best == nullptr || driver.cuda > best->cuda) best = &driver;
    }
    return best == nullptr ? std::string() : best->linux_driver;
}

std::string CudaCompat::nvidia_require_cuda(const CudaVersion& cuda, bool forward_compatible) const {
    auto value = "cuda>=" + cuda.major_minor();
    if (!forward_compatible) return value;
    for (const auto& entry : forward_) {
        if (entry.cuda.major_minor() != cuda.major_minor()) continue;
        for (const auto& branch : entry.drivers) {
            value += fmt::format(" brand=tesla,driver>={0},driver<{1}", branch, std::stoi(branch) + 1);
        }
    }
    return value;
}

std::vector<NamedVersion> CudaCompat::cuda_runtimes(const std::vector<NamedVersion>& packages) const {
    std::vector<NamedVersion> found;
    for (const auto& package : packages) {
        const std::string_view manager = package.pip ? "pip" : "conda";
        const bool listed = std::any_of(runtimes_.begin(), runtimes_.end(), [&](const auto& row) {
            return row.manager == manager && row.package == package.name;
        });
        // A wheel's local version names the CUDA that it was built with.
        const auto local = package.version.find("+cu");
        const auto* row = find(manager, package.name, package.version);
        const bool holds_one = package.pip && local != std::string::npos && row != nullptr && !row->loads_base;
        if (listed || holds_one) found.push_back(package);
    }
    return found;
}

}  // namespace envbuild::catalog
