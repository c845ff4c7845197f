#include <fmt/format.h>

#include "base/strings.hpp"
#include "lock/conda_lock.hpp"
#include "lock/conda_lock_fields.hpp"
#include "lock/yaml_writer.hpp"
#include "pypi/requirement_line.hpp"

namespace envbuild::lock {

namespace {

constexpr std::string_view kHeader =
    "# This lock file was written by envbuild in conda-lock's format (version 1).\n"
    "#\n"
    "# Build exactly this image:        envbuild build --lock conda-lock.yml\n"
    "# Install it without a container:  conda-lock install conda-lock.yml, or micromamba create -n NAME -f "
    "conda-lock.yml\n";

// "numpy >=1.2,<2 py38*" -> name and the rest. A name that occurs twice gets both demands, as conda-lock would ask for
// both.
std::map<std::string, std::string> dependencies_of(const std::vector<std::string>& depends) {
    std::map<std::string, std::string> map;
    for (const auto& text : depends) {
        const auto end = text.find_first_of(" =<>!~[");
        auto& demand = map[text.substr(0, end)];
        const auto rest = end == std::string::npos ? std::string() : std::string(trim(text.substr(end)));
        if (demand.empty()) {
            demand = rest;
        } else if (!rest.empty() && demand.find(' ') == std::string::npos && rest.find(' ') == std::string::npos) {
            demand += "," + rest;
        }
    }
    return map;
}

class Writer {
  public:
    Writer(const Lock& lock, std::string_view source) : lock_(lock), source_(source) {}

    std::string write() {
        text_ = kHeader;
        text_ += "version: 1\n";
        metadata();
        if (lock_.conda.empty() && lock_.pip.empty()) {
            text_ += "package: []\n";
        } else {
            text_ += "package:\n";
        }
        for (const auto& record : lock_.conda) conda(record);
        for (const auto& package : lock_.pip) {
            if (!package.build_only) pip(package);
        }
        return std::move(text_);
    }

  private:
    void line(std::string_view indent, std::string_view key, std::string_view value) {
        text_ += fmt::format("{}{}: {}\n", indent, yaml_scalar(key), yaml_scalar(value));
    }

    void metadata() {
        text_ += "metadata:\n  content_hash:\n";
        line("    ", lock_.platform.to_string(), lock_.spec_hash.empty() ? lock_.hash().hex() : lock_.spec_hash);
        text_ += lock_.channels.empty() ? "  channels: []\n" : "  channels:\n";
        for (const auto& channel : lock_.channels) {
            text_ += "  - url: " + yaml_scalar(channel) + "\n    used_env_vars: []\n";
        }
        text_ += "  platforms:\n  - " + yaml_scalar(lock_.platform.to_string()) + "\n";
        text_ += "  sources:\n  - " + yaml_scalar(source_) + "\n";
        text_ += "  custom_metadata:\n";
        for (const auto& [key, value] : custom_fields(lock_)) line("    ", key, value);
    }

    void entry(std::string_view name, std::string_view version, std::string_view manager) {
        line("- ", "name", name);
        line("  ", "version", version);
        line("  ", "manager", manager);
        line("  ", "platform", lock_.platform.to_string());
    }

    void dependencies(const std::map<std::string, std::string>& map) {
        text_ += map.empty() ? "  dependencies: {}\n" : "  dependencies:\n";
        for (const auto& [name, demand] : map) line("    ", name, demand);
    }

    void tail() { text_ += "  category: main\n  optional: false\n"; }

    void conda(const conda::PackageRecord& record) {
        entry(record.name, record.version.to_string(), "conda");
        dependencies(dependencies_of(record.depends));
        line("  ", "url", record.url.to_string());
        text_ += "  hash:\n";
        if (!record.md5.empty()) line("    ", "md5", record.md5);
        if (record.sha256) line("    ", "sha256", record.sha256->hex());
        tail();
    }

    void pip(const PipPackage& package) {
        entry(package.name, package.version, "pip");
        // conda-lock keeps only names and versions here; markers and extras stay in the custom fields.
        std::map<std::string, std::string> map;
        for (const auto& text : package.requires_dist) {
            const auto head = text.substr(0, text.find(';'));
            if (text.find("extra ==") != std::string::npos || text.find("extra==") != std::string::npos) continue;
            const auto end = head.find_first_of(" =<>!~[(@");
            auto rest = end == std::string::npos ? std::string() : std::string(trim(head.substr(end)));
            if (rest.starts_with('[')) rest = std::string(trim(rest.substr(std::min(rest.find(']') + 1, rest.size()))));
            if (rest.starts_with('(') && rest.ends_with(')')) rest = rest.substr(1, rest.size() - 2);
            if (rest.starts_with('@')) rest.clear();
            map[pypi::normalize_name(trim(head.substr(0, end)))] = replace_all(rest, " ", "");
        }
        dependencies(map);
        const bool fragment = !package.subdirectory.empty() && !package.is_local();
        line("  ", "url", fragment ? package.url + "#subdirectory=" + package.subdirectory : package.url);
        text_ += "  hash:\n";
        line("    ", "sha256", package.sha256.hex());
        tail();
    }

    const Lock& lock_;
    std::string_view source_;
    std::string text_;
};

}  // namespace

std::string write_conda_lock(const Lock& lock, std::string_view source) {
    return Writer(lock, source).write();
}

std::string write_explicit(const Lock& lock) {
    std::string text = "# platform: " + lock.platform.to_string() + "\n@EXPLICIT\n";
    for (const auto& record : lock.conda) {
        text += record.url.to_string();
        if (!record.md5.empty()) text += "#" + record.md5;
        text += "\n";
    }
    return text;
}

}  // namespace envbuild::lock
