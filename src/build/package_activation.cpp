#include "build/package_activation.hpp"

#include "base/parallel.hpp"
#include "base/strings.hpp"
#include "conda/archive.hpp"
#include "conda/archive_info.hpp"

namespace envbuild::build {

namespace {

constexpr std::uint64_t kScriptLimit = 1 << 20;

bool concerns_activation(std::string_view path) {
    return path.starts_with("etc/conda/activate.d/") || path.starts_with("etc/conda/env_vars.d/") ||
           path == "conda-meta/state";
}

struct Found {
    std::vector<std::string> paths;
    std::map<std::string, std::string> contents;
};

Found look_into(const conda::CondaArchive& archive, std::string_view prefix) {
    const auto info = conda::read_package_info(archive);
    Found found;
    std::map<std::string, std::string> placeholders;
    for (const auto& record : info.paths.paths) {
        found.paths.push_back(record.path);
        if (concerns_activation(record.path)) placeholders[record.path] = record.prefix_placeholder;
    }
    if (placeholders.empty()) return found;
    // The return value is warnings, which linking gives again.
    (void)archive.visit(conda::CondaArchive::Part::Payload,
                        [&](const conda::ArchiveEntry& entry, conda::ContentReader& content) {
                            const auto placeholder = placeholders.find(entry.path);
                            if (placeholder != placeholders.end() && entry.kind == conda::EntryKind::File) {
                                auto text = content.read_all(kScriptLimit);
                                if (!placeholder->second.empty()) text = replace_all(text, placeholder->second, prefix);
                                found.contents[entry.path] = std::move(text);
                            }
                            return found.contents.size() < placeholders.size();
                        });
    return found;
}

}  // namespace

PackageActivation::PackageActivation(const std::vector<std::pair<std::string, std::filesystem::path>>& archives,
                                     std::string_view prefix) {
    std::vector<Found> found(archives.size());
    parallel_for(archives.size(), 0, [&](std::size_t i) {
        const auto& [name, path] = archives[i];
        const auto archive = conda::CondaArchive::open(name, conda::ArchiveSource::from_file(path));
        found[i] = look_into(archive, prefix);
    });
    for (auto& package : found) {
        for (auto& path : package.paths) {
            for (auto slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1)) {
                directories_.insert(path.substr(0, slash));
            }
            files_.insert(std::move(path));
        }
        for (auto& [path, content] : package.contents) contents_[path] = std::move(content);
    }
}

std::vector<std::string> PackageActivation::list(std::string_view directory) const {
    const std::string prefix = std::string(directory) + "/";
    std::vector<std::string> names;
    for (auto it = contents_.lower_bound(prefix); it != contents_.end() && it->first.starts_with(prefix); ++it) {
        const auto name = it->first.substr(prefix.size());
        if (name.find('/') == std::string::npos) names.push_back(name);
    }
    return names;
}

std::optional<std::string> PackageActivation::read(const std::string& path) const {
    const auto found = contents_.find(path);
    if (found == contents_.end()) return std::nullopt;
    return found->second;
}

link::ActivationFiles::What PackageActivation::what(const std::string& path) const {
    if (files_.contains(path)) return What::File;
    return directories_.contains(path) ? What::Directory : What::Nothing;
}

}  // namespace envbuild::build
