#include "link/link_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "base/parallel.hpp"
#include "link/entry_point.hpp"

namespace envbuild::link {

namespace {

bool is_right_in(std::string_view folder, std::string_view path) {
    const bool inside = path.size() > folder.size() + 1 && path.starts_with(folder) && path[folder.size()] == '/';
    return inside && path.find('/', folder.size() + 1) == std::string_view::npos;
}

}  // namespace

// Paths that several packages bring, gathered so that a pair of packages makes one warning.
class LinkPlan::Clashes {
  public:
    void add(std::size_t loser, std::size_t winner, const std::string& path) {
        auto& [first, count] = pairs_[{loser, winner}];
        if (count++ == 0) first = path;
    }
    [[nodiscard]] std::vector<std::string> lines(const LinkPlan& plan) const {
        std::vector<std::string> lines;
        for (const auto& [pair, clash] : pairs_) {
            const auto& [first, count] = clash;
            lines.push_back(fmt::format("{} and {} both bring {}{}; {} comes later in link order and wins",
                                        plan.package(pair.first).dist_name(), plan.package(pair.second).dist_name(),
                                        first, count == 1 ? "" : fmt::format(" and {} more", count - 1),
                                        plan.package(pair.second).name));
        }
        return lines;
    }

  private:
    std::map<std::pair<std::size_t, std::size_t>, std::pair<std::string, std::size_t>> pairs_;
};

const LinkPackage& LinkPlan::package(std::size_t index) const {
    return packages_.at(index).source.package;
}

const conda::PackageInfo& LinkPlan::info(std::size_t index) const {
    return packages_.at(index).info;
}

std::string LinkPlan::mapped(const Planned& planned, const std::string& path) const {
    return planned.noarch_python ? noarch_python_path(target_, path) : path;
}

bool LinkPlan::owns(std::size_t index, const std::string& path, Origin origin) const {
    const auto found = owners_.find(path);
    return found != owners_.end() && found->second.package == index && found->second.origin == origin;
}

LinkPlan LinkPlan::make(LinkTarget target, std::vector<PackageSource> packages, std::size_t threads) {
    if (auto good = target.check(); !good) throw std::move(good.error());
    LinkPlan plan;
    plan.target_ = std::move(target);
    plan.read_packages(std::move(packages), threads);
    Clashes clashes;
    for (std::size_t i = 0; i < plan.packages_.size(); ++i) plan.claim_paths(i, clashes);
    plan.check_folders();
    for (const auto& planned : plan.packages_) {
        plan.warnings_.insert(plan.warnings_.end(), planned.info.warnings.begin(), planned.info.warnings.end());
    }
    for (auto& line : clashes.lines(plan)) plan.warnings_.push_back(std::move(line));
    return plan;
}

void LinkPlan::read_packages(std::vector<PackageSource> sources, std::size_t threads) {
    std::vector<std::optional<conda::PackageInfo>> infos(sources.size());
    parallel_for(sources.size(), threads, [&](std::size_t i) {
        const LinkPackage& package = sources[i].package;
        infos[i] = conda::read_package_info(sources[i].archive);
        conda::check_identity(*infos[i], package.file_name, package.name, package.version, package.build);
    });
    std::map<std::string, std::string> names;
    for (std::size_t i = 0; i < sources.size(); ++i) {
        Planned planned{std::move(sources[i]), std::move(*infos[i]), false, {}};
        const LinkPackage& package = planned.source.package;
        const auto [other, fresh] = names.emplace(package.name, package.dist_name());
        if (!fresh) {
            throw Error(ErrorKind::InvalidInput,
                        fmt::format("{} and {} cannot be in one environment: they are the same package", other->second,
                                    package.dist_name()));
        }
        planned.noarch_python = planned.info.is_noarch_python();
        if (planned.noarch_python && target_.python_version.empty()) {
            throw Error(ErrorKind::InvalidInput,
                        fmt::format("{} is a Python package, but the environment has no Python", package.dist_name()));
        }
        const auto& paths = planned.info.paths.paths;
        for (std::size_t k = 0; k < paths.size(); ++k) planned.records.emplace(paths[k].path, k);
        packages_.push_back(std::move(planned));
    }
}

void LinkPlan::claim_paths(std::size_t index, Clashes& clashes) {
    const Planned& planned = packages_[index];
    const std::string& file_name = planned.source.package.file_name;
    const auto same_bytes = [](const conda::PathRecord* a, const conda::PathRecord* b) {
        return a != nullptr && b != nullptr && a->sha256 && a->sha256 == b->sha256 && a->type == b->type &&
               a->type == conda::PathType::Hardlink && a->prefix_placeholder.empty() && b->prefix_placeholder.empty();
    };
    const auto claim = [&](const std::string& path, Origin origin, const conda::PathRecord* record) {
        const auto [place, fresh] = owners_.try_emplace(path, Owner{index, origin, record});
        if (fresh) return;
        const Owner before = place->second;
        if (before.package == index && before.origin == origin) {
            throw Error(ErrorKind::Corrupt, fmt::format("package {}: two of its files become {}", file_name, path));
        }
        place->second = {index, origin, record};
        if (before.package != index && !same_bytes(before.record, record)) clashes.add(before.package, index, path);
    };

    for (const auto& record : planned.info.paths.paths) {
        const std::string path = mapped(planned, record.path);
        const bool reserved =
            path == "conda-meta/history" || (path.starts_with("conda-meta/") && path.ends_with(".json"));
        if (reserved)
            throw Error(ErrorKind::Corrupt,
                        fmt::format("package {}: brings {}, which is the environment's own", file_name, path));
        if (record.type == conda::PathType::Directory) {
            directories_.insert(path);
        } else {
            claim(path, Origin::Archive, &record);
        }
    }
    if (!planned.noarch_python) return;
    for (const auto& point : planned.info.link.entry_points) claim("bin/" + point.command, Origin::Generated, nullptr);
    if (!target_.record_pyc) return;
    for (const auto& source : python_sources(index)) {
        const std::string pyc = pyc_path(target_, source);
        if (!owns(index, pyc, Origin::Archive)) claim(pyc, Origin::Generated, nullptr);
    }
}

// A path can be one package's file and another's folder only by mistake or malice: neither order of linking would be
// right.
void LinkPlan::check_folders() {
    const auto refuse = [&](const std::string& path, const std::string& below) {
        const auto& owner = package(owners_.at(path).package);
        const auto other = owners_.find(below);
        throw Error(
            ErrorKind::InvalidInput,
            fmt::format("{} brings {} as a file or link, and {} brings {}, which needs it to be a folder",
                        owner.dist_name(), path,
                        other == owners_.end() ? "another package" : package(other->second.package).dist_name(), below))
            .with_hint("these two packages cannot be installed together; leave one out or ask for another build of it");
    };
    const auto check = [&](const std::string& path) {
        for (auto slash = path.rfind('/'); slash != std::string::npos; slash = path.rfind('/', slash - 1)) {
            const std::string folder = path.substr(0, slash);
            if (!folders_.insert(folder).second) break;
            if (owners_.contains(folder)) refuse(folder, path);
        }
    };
    for (const auto& [path, owner] : owners_) check(path);
    for (const auto& path : directories_) {
        check(path);
        folders_.insert(path);
        if (owners_.contains(path)) refuse(path, path);
    }
}

std::optional<std::size_t> LinkPlan::owner(const std::string& path) const {
    const auto found = owners_.find(path);
    return found == owners_.end() ? std::nullopt : std::optional(found->second.package);
}

std::vector<std::string> LinkPlan::names_in(std::string_view folder) const {
    std::vector<std::string> names;
    for (const auto& [path, owner] : owners_) {
        if (is_right_in(folder, path)) names.push_back(path.substr(folder.size() + 1));
    }
    std::ranges::sort(names);
    return names;
}

std::vector<std::string> LinkPlan::folders_in(std::string_view folder) const {
    std::vector<std::string> names;
    for (const auto& path : folders_) {
        if (is_right_in(folder, path)) names.push_back(path.substr(folder.size() + 1));
    }
    std::ranges::sort(names);
    return names;
}

std::optional<Digest> LinkPlan::known_content(const std::string& path) const {
    const auto found = owners_.find(path);
    if (found == owners_.end() || found->second.record == nullptr) return std::nullopt;
    const conda::PathRecord& record = *found->second.record;
    if (record.type != conda::PathType::Hardlink || !record.prefix_placeholder.empty()) return std::nullopt;
    return record.sha256;
}

std::vector<std::string> LinkPlan::python_sources(std::size_t index) const {
    const Planned& planned = packages_.at(index);
    std::vector<std::string> sources;
    if (!planned.noarch_python) return sources;
    for (const auto& record : planned.info.paths.paths) {
        if (record.type == conda::PathType::Directory || !record.path.ends_with(".py")) continue;
        // As conda: only what becomes importable is compiled, not scripts or data.
        if (!record.path.starts_with("site-packages/")) continue;
        const std::string path = mapped(planned, record.path);
        if (owns(index, path, Origin::Archive)) sources.push_back(path);
    }
    return sources;
}

}  // namespace envbuild::link
