#include "link/wheel_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <tuple>
#include <unordered_set>

#include "base/parallel.hpp"
#include "link/entry_point.hpp"
#include "link/wheel_name.hpp"

namespace envbuild::link {

namespace {

constexpr std::uint64_t kPieceBytes = std::uint64_t{8} << 20;
constexpr std::size_t kPieceFiles = 500;

std::string conda_owner(const LinkPlan& conda, const std::string& path) {
    const auto owner = conda.owner(path);
    return owner ? fmt::format("the conda package {}", conda.package(*owner).dist_name()) : "a conda package";
}

Error both_bring(const std::string& wheel, const std::string& other, const std::string& path) {
    return Error(ErrorKind::InvalidInput,
                 fmt::format("the wheel {} and {} both bring {}, and they differ", wheel, other, path))
        .with_hint("leave one of the two out, or ask for other versions of them");
}

Error file_and_folder(const std::string& file, const std::string& folder, const std::string& path) {
    return Error(ErrorKind::InvalidInput,
                 fmt::format("{} brings {} as a file or link, and {} needs it to be a folder", file, path, folder))
        .with_hint("these two cannot be installed together; leave one out or ask for another version of it");
}

}  // namespace

WheelPlan WheelPlan::make(const LinkPlan& conda, std::vector<WheelSource> wheels, std::size_t threads) {
    WheelPlan plan;
    plan.target_ = conda.target();
    if (!wheels.empty() && plan.target_.python_version.empty())
        throw Error(ErrorKind::InvalidInput, "there are wheels to install, but the environment has no Python");
    for (auto& source : wheels) plan.wheels_.push_back({std::move(source), {}, {}, {}});
    parallel_for(plan.wheels_.size(), threads, [&](std::size_t i) {
        Planned& planned = plan.wheels_[i];
        planned.content =
            read_wheel(planned.source.wheel, planned.source.archive, plan.target_, planned.source.keep_times);
    });
    plan.check_projects(conda);
    for (std::size_t i = 0; i < plan.wheels_.size(); ++i) plan.claim(i, conda);
    plan.check_folders(conda);
    for (auto& planned : plan.wheels_) {
        plan.find_sources(planned);
        const auto& warnings = planned.source.archive.warnings();
        plan.warnings_.insert(plan.warnings_.end(), warnings.begin(), warnings.end());
    }
    plan.cut();
    return plan;
}

void WheelPlan::check_projects(const LinkPlan& conda) const {
    std::map<std::string, std::string> projects;
    for (const auto& planned : wheels_) {
        const LinkWheel& wheel = planned.source.wheel;
        const auto [other, fresh] = projects.emplace(wheel.name, wheel.file_name);
        if (!fresh) {
            throw Error(ErrorKind::Corrupt,
                        fmt::format("the wheels {} and {} are of one project", other->second, wheel.file_name));
        }
    }
    if (projects.empty()) return;
    const std::string folder = target_.site_packages_dir();
    const auto wheel_of = [&](const std::string& entry) {
        const auto found = projects.find(project_of_metadata(entry));
        return found == projects.end() ? nullptr : &*found;
    };
    const auto refuse = [&](const auto& wheel, const std::string& owned) {
        throw Error(ErrorKind::InvalidInput, fmt::format("the wheel {} would replace {}, which {} has installed",
                                                         wheel.second, wheel.first, conda_owner(conda, owned)))
            .with_hint(
                fmt::format("ask for {0} among the conda packages or among pip's, not both; where pip's half needs "
                            "another version of it, ask conda for that one",
                            wheel.first));
    };
    for (const auto& entry : conda.names_in(folder)) {
        if (const auto* wheel = wheel_of(entry)) refuse(*wheel, folder + "/" + entry);
    }
    for (const auto& entry : conda.folders_in(folder)) {
        const auto* wheel = wheel_of(entry);
        if (wheel == nullptr) continue;
        const auto inside = conda.names_in(folder + "/" + entry);
        refuse(*wheel, folder + "/" + entry + "/" + (inside.empty() ? "" : inside.front()));
    }
}

void WheelPlan::claim(std::size_t wheel, const LinkPlan& conda) {
    Planned& planned = wheels_[wheel];
    const std::string& name = planned.source.wheel.file_name;
    const auto& files = planned.content.files;
    planned.owned.assign(files.size(), true);
    for (std::size_t i = 0; i < files.size(); ++i) {
        const WheelFile& file = files[i];
        if (conda.owner(file.path)) {
            if (conda.known_content(file.path) != file.sha256)
                throw both_bring(name, conda_owner(conda, file.path), file.path);
            planned.owned[i] = false;
            continue;
        }
        const auto [other, fresh] = owners_.try_emplace(file.path, Place{wheel, i});
        if (fresh) continue;
        const Planned& before = wheels_[other->second.wheel];
        planned.owned[i] = false;
        if (before.content.files[other->second.file].sha256 == file.sha256) continue;
        // A LICENSE or tests/__init__.py at the top: careless, common, and nothing that a user could mend.
        const std::string& winner = before.source.wheel.file_name;
        warnings_.push_back(fmt::format("the wheels {} and {} both bring {}, and they differ: it is that of {}", winner,
                                        name, file.path, winner));
    }
}

void WheelPlan::check_folders(const LinkPlan& conda) const {
    const auto wheel_of = [&](const std::string& path) {
        return "the wheel " + wheels_[owners_.at(path).wheel].source.wheel.file_name;
    };
    std::unordered_set<std::string> folders;
    for (const auto& [path, place] : owners_) {
        if (conda.is_folder(path)) throw file_and_folder(wheel_of(path), "a conda package", path);
        for (auto slash = path.rfind('/'); slash != std::string::npos; slash = path.rfind('/', slash - 1)) {
            const std::string folder = path.substr(0, slash);
            if (!folders.insert(folder).second) break;
            if (conda.owner(folder)) throw file_and_folder(conda_owner(conda, folder), wheel_of(path), folder);
            if (owners_.contains(folder)) throw file_and_folder(wheel_of(folder), wheel_of(path), folder);
        }
    }
}

void WheelPlan::find_sources(Planned& planned) const {
    const std::string folder = target_.site_packages_dir() + "/";
    const auto& files = planned.content.files;
    for (std::size_t i = 0; i < files.size(); ++i) {
        const std::string& path = files[i].path;
        // compileall takes a list of lines.
        if (!planned.owned[i] || !path.starts_with(folder) || !path.ends_with(".py") || path.find('\n') != path.npos)
            continue;
        if (!owners_.contains(pyc_path(target_, path))) planned.sources.push_back(path);
    }
}

void WheelPlan::cut() {
    for (std::size_t w = 0; w < wheels_.size(); ++w) {
        const auto& files = wheels_[w].content.files;
        Piece piece{w, 0, 0, 0};
        for (std::size_t i = 0; i < files.size(); ++i) {
            const bool full = piece.bytes + files[i].size > kPieceBytes || i - piece.begin >= kPieceFiles;
            if (full && i > piece.begin) {
                pieces_.push_back(piece);
                piece = {w, i, i, 0};
            }
            piece.end = i + 1;
            piece.bytes += files[i].size;
        }
        if (piece.end > piece.begin) pieces_.push_back(piece);
    }
    std::ranges::sort(pieces_, {}, [](const Piece& piece) {
        return std::tuple(std::numeric_limits<std::uint64_t>::max() - piece.bytes, piece.wheel, piece.begin);
    });
}

std::vector<std::string> WheelPlan::python_sources() const {
    std::vector<std::string> sources;
    for (const auto& planned : wheels_) sources.insert(sources.end(), planned.sources.begin(), planned.sources.end());
    std::ranges::sort(sources);
    return sources;
}

void WheelPlan::for_each_timed(const std::function<void(const std::string&, std::int64_t)>& call) const {
    for (const auto& planned : wheels_) {
        for (std::size_t i = 0; i < planned.content.files.size(); ++i) {
            const WheelFile& file = planned.content.files[i];
            if (planned.owned[i] && file.member) call(file.path, file.mtime);
        }
    }
}

}  // namespace envbuild::link
