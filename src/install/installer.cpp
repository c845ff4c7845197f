#include "install/installer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>

#include "base/fs.hpp"
#include "base/parallel.hpp"
#include "base/strings.hpp"
#include "base/url.hpp"
#include "install/program.hpp"
#include "install/times.hpp"
#include "link/entry_point.hpp"
#include "link/wheel_name.hpp"

namespace envbuild::install {

namespace {

constexpr const char* kScratch = ".envbuild-install";  // in the prefix, removed at the end
constexpr const char* kBuilt = ".envbuild-install/wheels";

Digest sha256_of_file(const std::filesystem::path& path) {
    const auto source = conda::ArchiveSource::from_file(path);
    Sha256 hash;
    std::string buffer(std::size_t{1} << 20, '\0');
    std::uint64_t offset = 0;
    while (const std::size_t got = source->read_at(offset, buffer)) {
        hash.update(std::string_view(buffer).substr(0, got));
        offset += got;
    }
    return hash.finish();
}

std::string plural(std::size_t count, std::string_view what) {
    return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

}  // namespace

Installer::Installer(Options options) : options_(std::move(options)) {
    manifest_ = value_or_throw(link::InstallManifest::parse(read_file(options_.manifest)));
    prefix_ = options_.prefix.empty() ? manifest_.prefix : options_.prefix;
    started_ =
        std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

void Installer::say(const std::string& line) const {
    std::fputs((line + "\n").c_str(), stdout);
    std::fflush(stdout);
}

void Installer::warn(const std::string& line) const {
    say("warning: " + line);
}

std::filesystem::path Installer::on_disk(const std::string& path) const {
    return options_.root / prefix_.substr(1) / path;
}

std::string Installer::python() const {
    const auto& target = plan_->target();
    return fmt::format("{}/bin/python{}", prefix_, target.python_short());
}

void Installer::run() {
    check_files();
    link();
    if (manifest_.run_post_link) run_post_link();
    std::vector<std::string> sources;
    for (std::size_t i = 0; i < plan_->size(); ++i) {
        for (auto& source : plan_->python_sources(i)) sources.push_back(std::move(source));
    }
    std::vector<link::LinkWheel> built;
    if (!manifest_.sources.empty()) {
        // pip is one of these packages, and starts slowly when it is not compiled.
        compile(sources);
        sources.clear();
        built = build_sources();
    }
    link_wheels(built);
    for (auto& source : wheels_->python_sources()) sources.push_back(std::move(source));
    compile(sources);
    write_metadata();
    finish();
}

void Installer::check_files() const {
    struct File {
        std::string name;
        Digest sha256;
    };
    std::vector<File> files;
    for (const auto& package : manifest_.packages) files.push_back({package.file_name, package.sha256});
    for (const auto& wheel : manifest_.wheels) files.push_back({wheel.file_name, wheel.sha256});
    for (const auto& source : manifest_.sources) files.push_back({source.package.file_name, source.package.sha256});
    for (const auto& tool : manifest_.tools) files.push_back({tool.file_name, tool.sha256});
    std::atomic<std::uint64_t> bytes = 0;
    parallel_for(files.size(), options_.threads, [&](std::size_t i) {
        const auto path = options_.packages / files[i].name;
        const Digest found = sha256_of_file(path);
        if (found != files[i].sha256) {
            throw Error(ErrorKind::Corrupt, fmt::format("{}: its sha256 is {}, but the lock says {}", files[i].name,
                                                        found.hex(), files[i].sha256.hex()))
                .with_hint("the file was damaged or replaced on its way into the build context");
        }
        bytes += std::filesystem::file_size(path);
    });
    say(fmt::format("Checked {} ({})", plural(files.size(), "file"), human_bytes(bytes)));
}

void Installer::link() {
    link::LinkTarget target;
    target.prefix = prefix_;
    target.python_version = manifest_.python_version;
    target.site_packages = manifest_.site_packages;
    target.epoch = manifest_.source_date_epoch;
    target.record_pyc = manifest_.compile_pyc;
    std::vector<link::PackageSource> sources;
    sources.reserve(manifest_.packages.size());
    for (const auto& package : manifest_.packages) {
        sources.push_back(
            {package, conda::CondaArchive::open(
                          package.file_name, conda::ArchiveSource::from_file(options_.packages / package.file_name))});
    }
    plan_ =
        std::make_unique<link::LinkPlan>(link::LinkPlan::make(std::move(target), std::move(sources), options_.threads));
    for (const auto& line : plan_->warnings()) warn(line);

    const auto folder = on_disk("");
    std::error_code missing;
    if (std::filesystem::exists(folder, missing) && !std::filesystem::is_empty(folder)) {
        throw Error(ErrorKind::Io, fmt::format("{} is there already and is not empty", folder.string()))
            .with_hint("choose another prefix, or a base image without it");
    }
    sink_ = std::make_unique<link::DirectorySink>(folder);
    linked_.resize(plan_->size());
    std::atomic<std::size_t> files = 0;
    parallel_for(plan_->size(), options_.threads, [&](std::size_t i) {
        linked_[i] = plan_->emit(i, *sink_);
        files += linked_[i].paths.size();
        if (options_.verbose) say(fmt::format("Linked {}", plan_->package(i).dist_name()));
    });
    for (std::size_t i = 0; i < linked_.size(); ++i) {
        const auto& known = plan_->info(i).warnings;
        for (const auto& line : linked_[i].warnings) {
            if (std::ranges::find(known, line) == known.end()) warn(line);
        }
        for (const auto& path : linked_[i].paths) {
            if (path.path_type == "hardlink" || path.path_type == "softlink") from_archives_.insert(path.path);
        }
    }
    say(fmt::format("Linked {} into {} ({})", plural(plan_->size(), "package"), prefix_, plural(files, "file")));
}

// Nothing of the build's own surroundings: what runs here must give the same files anywhere.
std::map<std::string, std::string> Installer::environment() const {
    return {
        {"PATH", prefix_ + "/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
        {"HOME", prefix_ + "/" + kScratch},
        {"TMPDIR", prefix_ + "/" + kScratch},
        {"CONDA_PREFIX", prefix_},
        {"LC_ALL", "C.UTF-8"},
        {"TZ", "UTC"},
        {"SOURCE_DATE_EPOCH", std::to_string(manifest_.source_date_epoch)},
        {"PYTHONHASHSEED", "0"},
        {"PYTHONNOUSERSITE", "1"},
        {"PYTHONDONTWRITEBYTECODE", "1"},
    };
}

std::string Installer::find_shell() const {
    for (const std::string& shell : {std::string("/bin/bash"), std::string("/usr/bin/bash"), prefix_ + "/bin/bash",
                                     std::string("/bin/sh"), std::string("/usr/bin/sh"), prefix_ + "/bin/sh"}) {
        std::error_code ignored;
        const auto status = std::filesystem::symlink_status(options_.root / shell.substr(1), ignored);
        if (std::filesystem::exists(status)) return shell;
    }
    return {};
}

void Installer::run_post_link() {
    std::filesystem::create_directory(on_disk(kScratch));
    std::size_t count = 0;
    for (std::size_t i = 0; i < plan_->size(); ++i) {
        const link::LinkPackage& package = plan_->package(i);
        const std::string script = fmt::format("bin/.{}-post-link.sh", package.name);
        const std::string early = fmt::format("bin/.{}-pre-link.sh", package.name);
        if (from_archives_.contains(early))
            warn(fmt::format("{}: its pre-link script is not run: conda gave these up", package.dist_name()));
        if (!from_archives_.contains(script)) continue;
        const std::string shell = find_shell();
        if (shell.empty()) {
            throw Error(ErrorKind::BuildFailed,
                        fmt::format("{} has a post-link script, but the base image has no shell to run it",
                                    package.dist_name()))
                .with_hint("choose a base image with /bin/sh, or an environment without this package");
        }
        Program program{options_.root, {shell, prefix_ + "/" + script}, environment(), prefix_};
        program.env["PREFIX"] = prefix_;
        program.env["ROOT_PREFIX"] = prefix_;
        program.env["PKG_NAME"] = package.name;
        program.env["PKG_VERSION"] = package.version;
        program.env["PKG_BUILDNUM"] = std::to_string(plan_->info(i).index.build_number);
        const int code = install::run(program);
        const auto messages = on_disk(".messages.txt");
        if (const auto text = read_file_if_exists(messages)) {
            say(fmt::format("{} says:\n{}", package.dist_name(), trim(*text)));
            std::filesystem::remove(messages);
        }
        if (code != 0) {
            throw Error(ErrorKind::BuildFailed,
                        fmt::format("the post-link script of {} failed with exit code {}", package.dist_name(), code))
                .with_hint("its output is above");
        }
        ++count;
    }
    if (count > 0) say(fmt::format("Ran {}", plural(count, "post-link script")));
}

void Installer::compile(const std::vector<std::string>& sources) {
    if (sources.empty() || !manifest_.compile_pyc) return;
    std::filesystem::create_directory(on_disk(kScratch));
    std::string list;
    for (const auto& source : sources) list += fmt::format("{}/{}\n", prefix_, source);
    const std::string list_path = fmt::format("{}/sources", kScratch);
    write_file_atomic(on_disk(list_path), list);
    Program program{options_.root,
                    {python(), "-s", "-m", "compileall", "--invalidation-mode", "unchecked-hash", "-q", "-q", "-j",
                     std::to_string(options_.threads), "-i", fmt::format("{}/{}", prefix_, list_path)},
                    environment(),
                    prefix_ + "/" + kScratch};
    program.env.erase("PYTHONDONTWRITEBYTECODE");
    // A file that does not compile is no failure: packages carry templates and tests for other Pythons.
    (void)install::run(program);
    std::vector<std::string> failed;
    for (const auto& source : sources) {
        if (!std::filesystem::exists(on_disk(link::pyc_path(plan_->target(), source)))) failed.push_back(source);
    }
    if (failed.size() == sources.size()) {
        throw Error(ErrorKind::BuildFailed,
                    fmt::format("{} compiled none of the {}", python(), plural(sources.size(), "Python file")))
            .with_hint("its output is above; a base image of another platform cannot run this Python");
    }
    if (!failed.empty()) {
        warn(fmt::format(
            "{} not compiled to .pyc, for example {}",
            failed.size() == 1 ? std::string("1 Python file was") : fmt::format("{} Python files were", failed.size()),
            failed.front()));
    }
    say(fmt::format("Compiled {}", plural(sources.size() - failed.size(), "Python file")));
}

// The wheels that come out lie in the scratch folder, under the names that are given back.
std::vector<link::LinkWheel> Installer::build_sources() {
    if (manifest_.python_version.empty())
        throw Error(ErrorKind::InvalidInput, "there are sources to build, but the environment has no Python");
    // In the root, whatever it is: pip sees nothing outside.
    const std::string files = fmt::format("{}/files", kScratch);
    std::filesystem::create_directories(on_disk(files));
    std::filesystem::create_directories(on_disk(kBuilt));
    const auto offer = [&](const std::string& name) {
        const auto from = std::filesystem::absolute(options_.packages / name);
        const auto to = on_disk(files) / name;
        if (options_.root == "/") {
            std::filesystem::create_symlink(from, to);
        } else {
            std::filesystem::copy_file(from, to);
        }
    };
    for (const auto& wheel : manifest_.wheels) offer(wheel.file_name);
    for (const auto& tool : manifest_.tools) offer(tool.file_name);
    std::string lines;
    for (const auto& [package, subdirectory] : manifest_.sources) {
        offer(package.file_name);
        const auto place = fmt::format("{}/{}/{}", prefix_, files, package.file_name);
        lines += fmt::format("{} @ {}{} --hash=sha256:{}\n", package.name, Url::from_path(place).to_string(),
                             subdirectory.empty() ? "" : "#subdirectory=" + percent_encode(subdirectory, "/"),
                             package.sha256.hex());
    }
    const std::string requirements = fmt::format("{}/requirements.txt", kScratch);
    write_file_atomic(on_disk(requirements), lines);
    Program program{options_.root,
                    {python(), "-s", "-m", "pip", "wheel", "--no-index", "--no-deps", "--require-hashes",
                     "--no-cache-dir", "--no-input", "--disable-pip-version-check", "--progress-bar", "off",
                     "--wheel-dir", fmt::format("{}/{}", prefix_, kBuilt), "--find-links",
                     fmt::format("{}/{}", prefix_, files), "-r", fmt::format("{}/{}", prefix_, requirements)},
                    environment(),
                    prefix_ + "/" + kScratch};
    program.env["PIP_CONFIG_FILE"] = "/dev/null";
    program.env["PIP_NO_INPUT"] = "1";
    program.env["PIP_DISABLE_PIP_VERSION_CHECK"] = "1";
    program.env["PIP_ROOT_USER_ACTION"] = "ignore";
    if (!options_.verbose) program.argv.emplace_back("-q");
    const int code = install::run(program);
    if (code != 0) {
        throw Error(ErrorKind::BuildFailed, fmt::format("pip failed with exit code {}", code))
            .with_hint("its output is above");
    }
    auto built = built_wheels();
    say(fmt::format("Built {}", plural(built.size(), "wheel")));
    return built;
}

std::vector<link::LinkWheel> Installer::built_wheels() const {
    std::map<std::string, std::string> files;  // project -> wheel
    for (const auto& entry : std::filesystem::directory_iterator(on_disk(kBuilt))) {
        const std::string file = entry.path().filename().string();
        if (const auto name = link::WheelName::parse(file)) files[name->project] = file;
    }
    std::vector<link::LinkWheel> built;
    for (const auto& [package, subdirectory] : manifest_.sources) {
        const auto found = files.find(package.name);
        if (found == files.end()) {
            throw Error(ErrorKind::BuildFailed,
                        fmt::format("building {} gave no wheel of {}", package.file_name, package.name))
                .with_hint("its build backend gives the project another name than the lock");
        }
        built.push_back(package);
        built.back().file_name = found->second;
    }
    return built;
}

void Installer::link_wheels(const std::vector<link::LinkWheel>& built) {
    std::vector<link::WheelSource> sources;
    const auto add = [&](const link::LinkWheel& wheel, const std::filesystem::path& folder, bool keep_times) {
        auto bytes = conda::ArchiveSource::from_file(folder / wheel.file_name);
        sources.push_back({wheel, link::WheelArchive::open(wheel.file_name, std::move(bytes)), keep_times});
    };
    for (const auto& wheel : manifest_.wheels) add(wheel, options_.packages, true);
    for (const auto& wheel : built) add(wheel, on_disk(kBuilt), false);
    wheels_ = std::make_unique<link::WheelPlan>(link::WheelPlan::make(*plan_, std::move(sources), options_.threads));
    for (const auto& line : wheels_->warnings()) warn(line);
    parallel_for(wheels_->pieces(), options_.threads, [&](std::size_t i) { wheels_->emit(i, *sink_); });
    wheels_->for_each_timed([&](const std::string& path, std::int64_t mtime) { wheel_times_.emplace(path, mtime); });
    if (wheels_->size() > 0)
        say(fmt::format("Linked {} ({})", plural(wheels_->size(), "wheel"), plural(wheel_times_.size(), "file")));
}

void Installer::write_metadata() {
    // What pip or a script took away, and what did not compile, is not there to be recorded.
    for (auto& package : linked_) {
        std::erase_if(package.paths, [&](const link::LinkedPath& path) {
            std::error_code ignored;
            return path.path_type == "pyc_file" && !std::filesystem::exists(on_disk(path.path), ignored);
        });
    }
    plan_->emit_metadata(linked_, manifest_.history_specs, *sink_);
    const auto compiled = [&](const std::string& source) {
        std::error_code ignored;
        return std::filesystem::exists(on_disk(link::pyc_path(plan_->target(), source)), ignored);
    };
    wheels_->emit_records(compiled, *sink_);
}

void Installer::finish() {
    std::filesystem::remove_all(on_disk(kScratch));
    sink_->finish();
    normalise_times(on_disk(""), manifest_.source_date_epoch, [&](const std::string& path, std::int64_t mtime) {
        if (from_archives_.contains(path)) return mtime < started_;
        const auto wheel = wheel_times_.find(path);
        return wheel != wheel_times_.end() && wheel->second == mtime;
    });
    say(fmt::format("The environment is ready in {}", prefix_));
}

}  // namespace envbuild::install
