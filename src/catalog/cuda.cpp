#include "catalog/cuda.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

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

// "2.7, 3.5-3.8": versions, and ranges of minor versions.
std::vector<std::string> pythons_of(const YamlNode& node) {
    std::vector<std::string> pythons;
    for (const auto part : split(node.as_string("python"), ',')) {
        const auto dash = part.find('-');
        const auto first = CudaVersion::parse(part.substr(0, dash));
        const auto last = dash == std::string_view::npos ? first : CudaVersion::parse(part.substr(dash + 1));
        if (!first || !last || first->major() != last->major() || *last < *first)
            throw node.error_at("'python' is written \"2.7, 3.5-3.8\"");
        for (int minor = first->minor(); minor <= last->minor(); ++minor)
            pythons.push_back(fmt::format("{}.{}", first->major(), minor));
    }
    return pythons;
}

FrameworkRow row_of(const YamlNode& node) {
    FrameworkRow row;
    row.manager = required(node, "manager").as_string("manager");
    if (row.manager != "pip" && row.manager != "conda") throw required(node, "manager").error_at("pip or conda");
    row.package = required(node, "package").as_string("package");
    row.version = node.string_or("version", "");
    if (const auto* cudnn = node.find("cudnn")) {
        if (cudnn->is_sequence()) {
            row.cudnns = cudnn->as_strings("cudnn");
        } else {
            row.cudnn = cudnn->as_string("cudnn");
        }
    }
    if (const auto* python = node.find("python")) row.pythons = pythons_of(*python);
    row.source = node.string_or("source", "");
    row.date = node.string_or("date", "");
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
    if (!row.cudnns.empty() && row.cudnns.size() != row.builds.size())
        throw node.error_at("'cudnn' is one version, or one for each of 'builds'");
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
    if (const auto* ranges = root.find("compute_capabilities")) {
        for (const auto& node : ranges->as_sequence("compute_capabilities")) {
            compat.compute_.emplace_back(cuda_of(required(node, "cuda")),
                                         ComputeRange{cuda_of(required(node, "min")), cuda_of(required(node, "max")),
                                                      node.string_or("source", ""), node.string_or("date", "")});
        }
    }
    if (const auto* sources = root.find("sources")) {
        for (const auto& [key, value] : sources->as_mapping("sources"))
            compat.sources_[key.text()] = value.as_string("a source");
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

std::optional<CudaVersion> CudaCompat::cuda_of_driver(std::string_view driver) const {
    const Driver* best = nullptr;
    for (const auto& row : drivers_) {
        if (compare_drivers(row.linux_driver, driver) > 0) continue;
        if (best == nullptr || row.cuda > best->cuda) best = &row;
    }
    return best == nullptr ? std::nullopt : std::optional(best->cuda);
}

const ComputeRange* CudaCompat::compute_range(const CudaVersion& cuda) const {
    const auto found =
        std::find_if(compute_.begin(), compute_.end(), [&](const auto& row) { return cuda.fits(row.first); });
    return found == compute_.end() ? nullptr : &found->second;
}

std::string CudaCompat::source(std::string_view key) const {
    const auto found = sources_.find(key);
    return found == sources_.end() ? std::string() : found->second;
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

std::strong_ordering compare_drivers(std::string_view a, std::string_view b) {
    const auto parts = [](std::string_view text) {
        std::vector<long> numbers;
        for (const auto part : split(text, '.')) {
            long number = 0;
            std::from_chars(part.data(), part.data() + part.size(), number);
            numbers.push_back(number);
        }
        // 450 and 450.0 are the same driver.
        while (!numbers.empty() && numbers.back() == 0) numbers.pop_back();
        return numbers;
    };
    return parts(a) <=> parts(b);
}

}  // namespace envbuild::catalog
