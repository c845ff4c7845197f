#include "build/prefix_export.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/json.hpp"
#include "base/strings.hpp"
#include "pypi/requirement_line.hpp"

namespace envbuild::build {

namespace {

namespace fs = std::filesystem;

struct CondaPackages {
    std::map<std::string, std::string> versions;
    std::vector<std::string> channels;     // those with more packages first
    std::set<std::string> python_records;  // dist-info folders that conda's packages own
};

std::string channel_of(const Json& record) {
    auto channel = record.string_or("channel", "");
    for (const auto* subdir : {"/linux-64", "/noarch", "/linux-aarch64", "/linux-ppc64le"}) {
        if (channel.ends_with(subdir)) channel.resize(channel.size() - std::string_view(subdir).size());
    }
    constexpr std::string_view kAlias = "https://conda.anaconda.org/";
    return channel.starts_with(kAlias) ? channel.substr(kAlias.size()) : channel;
}

CondaPackages conda_packages(const fs::path& meta) {
    CondaPackages packages;
    std::map<std::string, int> uses;
    for (const auto& entry : fs::directory_iterator(meta)) {
        if (entry.path().extension() != ".json") continue;
        const auto parsed = Json::parse(read_file(entry.path()));
        if (!parsed || !parsed->is_object() || parsed->string_or("name", "").empty()) {
            throw Error(ErrorKind::Corrupt, fmt::format("{} is no record of a conda package", entry.path().string()));
        }
        packages.versions[parsed->string_or("name", "")] = parsed->string_or("version", "");
        if (const auto channel = channel_of(*parsed); !channel.empty()) ++uses[channel];
        if (!(*parsed)["files"].is_array()) continue;
        for (const auto& file : (*parsed)["files"].as_array()) {
            const fs::path path(file.is_string() ? file.as_string() : std::string());
            if (path.filename() == "METADATA" || path.filename() == "PKG-INFO")
                packages.python_records.insert(path.parent_path().filename().string());
        }
    }
    for (const auto& [channel, count] : uses) packages.channels.push_back(channel);
    std::ranges::stable_sort(packages.channels, std::greater{}, [&](const auto& channel) { return uses[channel]; });
    return packages;
}

// "Name: x", "Version: y" of a METADATA file's head.
std::string header_of(std::string_view metadata, std::string_view key) {
    for (const auto line : split(metadata, '\n')) {
        if (trim(line).empty()) break;
        if (line.starts_with(key) && line.size() > key.size() && line[key.size()] == ':')
            return std::string(trim(line.substr(key.size() + 1)));
    }
    return "";
}

// What pip installed, canonical name -> requirement.
std::map<std::string, std::string> pip_packages(const fs::path& prefix, const CondaPackages& conda) {
    std::map<std::string, std::string> packages;
    std::error_code ignored;
    for (const auto& python : fs::directory_iterator(prefix / "lib", ignored)) {
        if (!python.path().filename().string().starts_with("python")) continue;
        for (const auto& entry : fs::directory_iterator(python.path() / "site-packages", ignored)) {
            const auto folder = entry.path().filename().string();
            if (!folder.ends_with(".dist-info") || conda.python_records.contains(folder)) continue;
            const auto metadata = read_file_if_exists(entry.path() / "METADATA");
            if (!metadata) continue;
            const auto name = pypi::normalize_name(header_of(*metadata, "Name"));
            if (name.empty() || conda.versions.contains(name)) continue;
            packages[name] = fmt::format("{}=={}", name, header_of(*metadata, "Version"));
        }
    }
    return packages;
}

}  // namespace

std::string export_prefix(const fs::path& prefix) {
    const auto meta = prefix / "conda-meta";
    if (!fs::is_directory(meta)) {
        throw Error(ErrorKind::InvalidInput,
                    fmt::format("{} is no conda environment: it has no conda-meta", prefix.string()));
    }
    const auto conda = conda_packages(meta);
    if (conda.versions.empty())
        throw Error(ErrorKind::InvalidInput, fmt::format("{} holds no conda package", prefix.string()));
    std::string text =
        fmt::format("name: {}\nchannels:\n", json_quote(fs::absolute(prefix).lexically_normal().filename().string()));
    for (const auto& channel : conda.channels) text += "  - " + json_quote(channel) + "\n";
    if (conda.channels.empty()) text += "  - conda-forge\n";
    text += "dependencies:\n";
    for (const auto& [name, version] : conda.versions) text += "  - " + json_quote(name + "=" + version) + "\n";
    const auto pip = pip_packages(prefix, conda);
    if (!pip.empty()) {
        if (!conda.versions.contains("pip")) text += "  - pip\n";
        text += "  - pip:\n";
        for (const auto& [name, requirement] : pip) text += "    - " + json_quote(requirement) + "\n";
    }
    return text;
}

}  // namespace envbuild::build
