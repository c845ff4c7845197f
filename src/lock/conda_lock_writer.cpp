#include <fmt/format.h>

#include <algorithm>
#include <span>

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
    Writer(std::span<const Lock> locks, std::string_view source) : locks_(locks), source_(source) {}

    std::string write() {
        text_ = kHeader;
        text_ += "version: 1\n";
        metadata();
        const bool empty =
            std::ranges::all_of(locks_, [](const Lock& lock) { return lock.conda.empty() && lock.pip.empty(); });
        text_ += empty ? "package: []\n" : "package:\n";
        for (const auto& lock : locks_) {
            const auto platform = lock.platform.to_string();
            for (const auto& record : lock.conda) conda(record, platform);
            for (const auto& package : lock.pip) {
                if (!package.build_only) pip(package, platform);
            }
        }
        return std::move(text_);
    }

  private:
    void line(std::string_view indent, std::string_view key, std::string_view value) {
        text_ += fmt::format("{}{}: {}\n", indent, yaml_scalar(key), yaml_scalar(value));
    }

    void metadata() {
        text_ += "metadata:\n  content_hash:\n";
        for (const auto& lock : locks_) {
            line("    ", lock.platform.to_string(), lock.spec_hash.empty() ? lock.hash().hex() : lock.spec_hash);
        }
        const auto& channels = locks_.front().channels;
        text_ += channels.empty() ? "  channels: []\n" : "  channels:\n";
        for (const auto& channel : channels) {
            text_ += "  - url: " + yaml_scalar(channel) + "\n    used_env_vars: []\n";
        }
        text_ += "  platforms:\n";
        for (const auto& lock : locks_) text_ += "  - " + yaml_scalar(lock.platform.to_string()) + "\n";
        text_ += "  sources:\n  - " + yaml_scalar(source_) + "\n";
        text_ += "  custom_metadata:\n";
        for (const auto& lock : locks_) {
            const auto prefix = locks_.size() > 1 ? custom_prefix(lock.platform) : std::string();
            for (const auto& [key, value] : custom_fields(lock))
                line("    ", prefix.empty() ? key : prefix + key.substr(kCustomPrefix.size()), value);
        }
    }

    void entry(std::string_view name, std::string_view version, std::string_view manager, std::string_view platform) {
        line("- ", "name", name);
        line("  ", "version", version);
        line("  ", "manager", manager);
        line("  ", "platform", platform);
    }

    void dependencies(const std::map<std::string, std::string>& map) {
        text_ += map.empty() ? "  dependencies: {}\n" : "  dependencies:\n";
        for (const auto& [name, demand] : map) line("    ", name, demand);
    }

    void tail() { text_ += "  category: main\n  optional: false\n"; }

    void conda(const conda::PackageRecord& record, std::string_view platform) {
        entry(record.name, record.version.to_string(), "conda", platform);
        dependencies(dependencies_of(record.depends));
        line("  ", "url", record.url.to_string());
        text_ += "  hash:\n";
        if (!record.md5.empty()) line("    ", "md5", record.md5);
        if (record.sha256) line("    ", "sha256", record.sha256->hex());
        tail();
    }

    void pip(const PipPackage& package, std::string_view platform) {
        entry(package.name, package.version, "pip", platform);
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

    std::span<const Lock> locks_;
    std::string_view source_;
    std::string text_;
};

}  // namespace

std::string write_conda_lock(const Lock& lock, std::string_view source) {
    return Writer(std::span(&lock, 1), source).write();
}

std::string write_conda_lock(const std::vector<Lock>& locks, std::string_view source) {
    if (locks.empty()) throw Error(ErrorKind::Bug, "a lock file of no platform");
    return Writer(locks, source).write();
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
