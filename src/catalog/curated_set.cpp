#include "catalog/curated_set.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <compare>
#include <set>

#include "base/fs.hpp"
#include "base/strings.hpp"
#include "spec/yaml.hpp"

namespace envbuild::catalog {

namespace {

using spec::YamlNode;

constexpr std::string_view kEnvironmentFile = "environment.yaml";
constexpr std::uint64_t kFileLimit = 1U << 20U;

const std::vector<std::string> kEnvironmentKeys = {"name", "description", "tags", "test", "versions"};
const std::vector<std::string> kVersionKeys = {"version", "image",  "dockerfile", "conda_file", "gpu",
                                               "cuda",    "status", "variables",  "platform",   "tags",
                                               "note",    "source", "date"};

void check_keys(const YamlNode& node, const std::vector<std::string>& known, std::string_view what) {
    for (const auto& [key, value] : node.as_mapping(what)) {
        if (std::ranges::find(known, key.text()) != known.end()) continue;
        const auto near = nearest(key.text(), known);
        throw key.error_at(fmt::format("{} has no '{}'", what, key.text()),
                           near.empty() ? "it has " + join(known, ", ") : fmt::format("did you mean '{}'?", near));
    }
}

std::string needed(const YamlNode& node, const std::string& key, std::string_view what) {
    auto text = node.string_or(key, "");
    if (text.empty()) throw node.error_at(fmt::format("{} needs '{}'", what, key));
    return text;
}

std::map<std::string, std::string> texts(const YamlNode& node, const std::string& key) {
    std::map<std::string, std::string> result;
    if (const auto* values = node.find(key)) {
        for (const auto& [name, value] : values->as_mapping(key)) {
            result[name.text()] = value.as_string(fmt::format("{}.{}", key, name.text()));
        }
    }
    return result;
}

// A file beside environment.yaml: its name, once it is known to lie there.
std::string file_beside(const YamlNode& node, const std::string& key, const std::filesystem::path& directory) {
    const auto* value = node.find(key);
    auto name = node.string_or(key, "");
    if (name.empty()) return name;
    if (name.find('/') != std::string::npos || name == "..") {
        throw value->error_at(fmt::format("'{}' is a file of the environment's own folder, without a path", key));
    }
    if (!std::filesystem::is_regular_file(directory / name)) {
        throw value->error_at(fmt::format("there is no file '{}' in {}", name, directory.string()));
    }
    return name;
}

CuratedStatus status_of(const YamlNode& node) {
    static constexpr std::array kAll = {CuratedStatus::Current, CuratedStatus::Deprecated,
                                        CuratedStatus::Unsatisfiable};
    const auto text = node.string_or("status", "current");
    for (const auto status : kAll) {
        if (to_string(status) == text) return status;
    }
    throw node.find("status")->error_at(
        fmt::format("'{}' is no status: it is current, deprecated or unsatisfiable", text));
}

CuratedVersion version_of(const YamlNode& node, const CuratedEnvironment& environment,
                          const std::map<std::string, std::string>& tags) {
    constexpr std::string_view kWhat = "a version";
    check_keys(node, kVersionKeys, kWhat);
    CuratedVersion result;
    auto& definition = result.definition;
    definition.name = environment.name;
    definition.description = environment.description;
    definition.version = needed(node, "version", kWhat);
    definition.tags = texts(node, "tags");
    definition.tags.insert(tags.begin(), tags.end());
    definition.variables = texts(node, "variables");
    definition.platform = node.string_or("platform", "");
    if (auto parsed = conda::Platform::parse(definition.platform); !definition.platform.empty() && !parsed) {
        throw node.find("platform")->error_at(parsed.error().message());
    }

    definition.base.image = node.string_or("image", "");
    const auto dockerfile = file_beside(node, "dockerfile", environment.directory);
    if (!dockerfile.empty()) {
        if (!definition.base.image.empty()) {
            throw node.error_at("'image' and 'dockerfile' exclude each other");
        }
        definition.base.dockerfile = read_file(environment.directory / dockerfile, kFileLimit);
    }
    definition.conda_file = file_beside(node, "conda_file", environment.directory);
    definition.user_managed = definition.conda_file.empty();
    if (definition.user_managed && definition.base.image.empty() && dockerfile.empty()) {
        throw node.error_at("a version needs 'conda_file', or an 'image' or 'dockerfile' that has all it needs");
    }

    definition.gpu.cuda = node.string_or("cuda", "");
    if (const auto* gpu = node.find("gpu")) definition.gpu.wanted = gpu->as_bool("gpu");
    if (!definition.gpu.cuda.empty() && !definition.gpu.wanted) {
        throw node.find("cuda")->error_at("'cuda' says nothing without 'gpu: true'");
    }

    result.status = status_of(node);
    result.note = node.string_or("note", "");
    result.source = needed(node, "source", kWhat);
    result.date = needed(node, "date", kWhat);
    if (result.status == CuratedStatus::Unsatisfiable && result.note.empty()) {
        throw node.error_at("an unsatisfiable version needs a 'note' that says why");
    }
    return result;
}

CuratedEnvironment environment_of(const std::filesystem::path& directory) {
    const auto root = spec::read_yaml(directory / kEnvironmentFile);
    constexpr std::string_view kWhat = "a curated environment";
    check_keys(root, kEnvironmentKeys, kWhat);
    CuratedEnvironment environment;
    environment.directory = directory;
    environment.name = needed(root, "name", kWhat);
    if (environment.name != directory.filename().string()) {
        throw root.find("name")->error_at(
            fmt::format("the name '{}' is not its folder's, '{}'", environment.name, directory.filename().string()));
    }
    if (const auto name = spec::check_name(environment.name); !name) {
        throw root.find("name")->error_at(name.error().message(), name.error().hint());
    }
    environment.description = needed(root, "description", kWhat);
    (void)needed(root, "test", kWhat);
    environment.test = file_beside(root, "test", directory);
    const auto tags = texts(root, "tags");

    const auto* versions = root.find("versions");
    if (versions == nullptr) throw root.error_at("a curated environment needs 'versions'");
    std::set<std::string> seen;
    for (const auto& node : versions->as_sequence("versions")) {
        environment.versions.push_back(version_of(node, environment, tags));
        const auto& version = environment.versions.back().definition.version;
        if (!seen.insert(version).second) throw node.error_at(fmt::format("version '{}' is there twice", version));
    }
    if (environment.versions.empty()) throw versions->error_at("a curated environment needs at least one version");
    return environment;
}

}  // namespace

std::strong_ordering compare_names(std::string_view a, std::string_view b) {
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    const auto number = [&](std::string_view& rest) {
        const auto end = std::min(rest.find_first_not_of("0123456789"), rest.size());
        auto digits = rest.substr(0, end);
        rest.remove_prefix(end);
        digits.remove_prefix(std::min(digits.find_first_not_of('0'), digits.size()));
        return digits;
    };
    const auto whole_a = a;
    const auto whole_b = b;
    while (!a.empty() && !b.empty()) {
        if (is_digit(a.front()) && is_digit(b.front())) {
            const auto left = number(a);
            const auto right = number(b);
            if (const auto order = std::pair(left.size(), left) <=> std::pair(right.size(), right); order != 0) {
                return order;
            }
            continue;
        }
        if (const auto order = to_lower(a.substr(0, 1)) <=> to_lower(b.substr(0, 1)); order != 0) return order;
        a.remove_prefix(1);
        b.remove_prefix(1);
    }
    if (const auto order = a.size() <=> b.size(); order != 0) return order;
    return whole_a <=> whole_b;
}

std::string_view to_string(CuratedStatus status) {
    switch (status) {
        case CuratedStatus::Current:
            return "current";
        case CuratedStatus::Deprecated:
            return "deprecated";
        case CuratedStatus::Unsatisfiable:
            return "unsatisfiable";
    }
    return "current";
}

const CuratedVersion& CuratedEnvironment::latest() const {
    const auto found = std::find_if(versions.rbegin(), versions.rend(),
                                    [](const auto& version) { return version.status != CuratedStatus::Unsatisfiable; });
    return found == versions.rend() ? versions.back() : *found;
}

const CuratedVersion* CuratedEnvironment::find(std::string_view version) const {
    const auto found = std::ranges::find(versions, version,
                                         [](const auto& one) -> const std::string& { return one.definition.version; });
    return found == versions.end() ? nullptr : &*found;
}

const CuratedEnvironment* CuratedSet::find(std::string_view name) const {
    const auto wanted = to_lower(name);
    const auto found = std::ranges::find_if(
        environments, [&](const auto& environment) { return to_lower(environment.name) == wanted; });
    return found == environments.end() ? nullptr : &*found;
}

CuratedSet load_curated(const std::filesystem::path& directory) {
    CuratedSet set;
    if (!std::filesystem::is_directory(directory)) return set;
    for (const auto& entry : std::filesystem::directory_iterator(directory)) {
        const auto name = entry.path().filename().string();
        if (!entry.is_directory() || name.starts_with('.')) continue;
        try {
            set.environments.push_back(environment_of(entry.path()));
        } catch (const Error& error) {
            set.faults.push_back({name, error});
        }
    }
    std::ranges::sort(set.environments, [](const auto& a, const auto& b) { return compare_names(a.name, b.name) < 0; });
    std::ranges::sort(set.faults, [](const auto& a, const auto& b) { return compare_names(a.name, b.name) < 0; });
    return set;
}

}  // namespace envbuild::catalog
