#include "build/pip_phase.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/fs.hpp"
#include "base/strings.hpp"
#include "build/git_source.hpp"
#include "build/pip_container.hpp"
#include "build/pip_native.hpp"
#include "build/pip_report.hpp"
#include "build/pip_source.hpp"
#include "conda/version.hpp"

namespace envbuild::build {

namespace {

constexpr auto kFolder = PipContainer::kFolder;
using Kind = pypi::RequirementLine::Kind;

// With the credential for its origin: for the container's own pip.conf only.
std::string with_credential(const std::string& asked, const Workbench& bench) {
    const auto url = value_or_throw(Url::parse(asked));
    const auto credential = bench.http().credentials().find(url);
    if (!credential || !credential->basic) return url.to_string();
    const auto text = url.to_string();
    const auto host = text.find("://") + 3;
    return text.substr(0, host) + percent_encode(credential->basic->user) + ":" +
           percent_encode(credential->basic->password.reveal()) + "@" + text.substr(host);
}

// The index as it is asked: all configured mirrors in its place. pip passes over one that does not answer.
std::vector<std::string> wire_indexes(const std::string& canonical, const Workbench& bench) {
    const auto trimmed = canonical.ends_with('/') ? canonical.substr(0, canonical.size() - 1) : canonical;
    std::vector<std::string> asked{canonical};
    for (const auto& [index, mirrors] : bench.settings().index_mirrors) {
        if ((index == trimmed || index == trimmed + "/") && !mirrors.empty()) asked = mirrors;
    }
    for (auto& url : asked) url = with_credential(url, bench);
    return asked;
}

std::string pip_conf(const pypi::IndexOptions& indexes, const Workbench& bench) {
    std::string conf = "[global]\n";
    const auto lines = [&](std::string_view key, const std::vector<std::string>& values) {
        if (!values.empty()) conf += fmt::format("{} = {}\n", key, join(values, "\n    "));
    };
    std::vector<std::string> urls;
    for (const auto& index : indexes.index_urls) {
        for (auto& url : wire_indexes(index, bench)) urls.push_back(std::move(url));
    }
    if (indexes.no_index) conf += "no-index = true\n";
    if (!urls.empty() && !indexes.no_index) {
        conf += fmt::format("index-url = {}\n", urls.front());
        lines("extra-index-url", {urls.begin() + 1, urls.end()});
    }
    std::vector<std::string> trusted = indexes.trusted_hosts;
    for (const auto& text : urls) {
        const auto url = value_or_throw(Url::parse(text));
        if (url.scheme() == "http") trusted.push_back(url.host());
    }
    lines("find-links", indexes.find_links);
    lines("trusted-host", trusted);
    if (indexes.pre) conf += "pre = true\n";
    if (indexes.prefer_binary) conf += "prefer-binary = true\n";
    lines("no-binary", indexes.no_binary);
    lines("only-binary", indexes.only_binary);
    return conf;
}

void check_python(const lock::Lock& lock) {
    if (std::ranges::find(lock.conda, "python", &conda::PackageRecord::name) == lock.conda.end()) {
        throw Error(ErrorKind::InvalidInput, "the file has pip requirements but its conda packages bring no python")
            .with_hint("add python to dependencies");
    }
}

// pip itself is needed only where it has to choose, and to build what is no wheel.
void check_pip(const lock::Lock& lock, const std::string& why) {
    const auto pip = std::ranges::find(lock.conda, "pip", &conda::PackageRecord::name);
    if (pip == lock.conda.end()) {
        throw Error(ErrorKind::InvalidInput, fmt::format("pip is needed ({}), and the conda packages bring none", why))
            .with_hint("add pip to dependencies");
    }
    // `pip install --report` says what pip would choose without installing it; it came with 22.2.
    if (pip->version < value_or_throw(conda::Version::parse("22.2"))) {
        throw Error(ErrorKind::InvalidInput,
                    fmt::format("pip has to choose the files itself ({}), and pip {} cannot say which it would take",
                                why, pip->version.to_string()))
            .with_hint("ask for pip>=22.2 in dependencies");
    }
}

Error refused_options(const pypi::RequirementLine& line) {
    return Error(ErrorKind::InvalidInput,
                 fmt::format("pip requirement '{}' has options for a build that envbuild does not pass on",
                             line.canonical()))
        .with_hint("leave them out, or build a wheel with them and name that");
}

// Options behind a requirement change what is built of it, and reach the build in no way yet. Of a wheel they change
// nothing, in pip too.
void check_options(const spec::EnvironmentSpec& spec, const std::vector<lock::PipPackage>& packages) {
    for (const auto& line : spec.pip) {
        if (line.options.empty() || line.kind != Kind::Named) continue;
        const auto built = [&](const auto& package) { return package.name == line.name && !package.is_wheel(); };
        if (std::ranges::any_of(packages, built)) throw refused_options(line);
    }
}

void check_line(const pypi::RequirementLine& line, bool hashes) {
    if (line.kind == Kind::Named) return;
    if (!line.options.empty() && !line.names_wheel()) throw refused_options(line);
    if (line.kind == Kind::Vcs) (void)value_or_throw(GitUrl::parse(line.url));
    if (hashes && line.hashes.empty() && line.kind != Kind::DirectUrl) {
        throw Error(ErrorKind::InvalidInput,
                    fmt::format("'{}' has no hash to check, and others or --require-hashes ask for one of each line",
                                line.canonical()))
            .with_hint("leave the hashes out: the lock pins every file by its hash, repositories and folders too");
    }
}

std::vector<lock::PipPackage> chosen(const Json& report) {
    return value_or_throw(read_pip_report(report));
}

// What builds the packages that are no wheels, and what builds that where it is no wheel either: pinned too, so that
// the image's build needs no network.
class BuildRequirements {
  public:
    BuildRequirements(PipContainer& container, lock::Lock& lock, const Workbench& bench)
        : container_(container), lock_(lock), bench_(bench) {}

    void add() {
        std::vector<lock::PipPackage> sources;
        for (const auto& package : lock_.pip) {
            known_.insert(package.sha256);
            if (!package.is_wheel()) sources.push_back(package);
        }
        while (!sources.empty()) sources = add_for(sources);
    }

  private:
    // The source archives among what was added.
    std::vector<lock::PipPackage> add_for(const std::vector<lock::PipPackage>& sources) {
        std::vector<layer::ContextFile> files;
        Json list = Json::array();
        for (const auto& source : sources) {
            const auto name = fmt::format("sources/{}/{}", files.size(), source.file_name);
            list.push(Json::object().set("file", name).set("subdirectory", source.subdirectory));
            files.push_back(PipContainer::text_file(name, {}));
            files.back().file = file_of(source);
        }
        files.push_back(PipContainer::text_file("sources.json", list.dump()));
        files.push_back(PipContainer::text_file(
            "build_requirements.py", read_file(bench_.settings().share_dir / "templates" / "build_requirements.py")));
        const auto reports =
            container_.run(std::move(files), {"build_requirements.py", "sources.json", "tools.json"}, "tools.json");
        std::vector<lock::PipPackage> unbuilt;
        for (const auto& report : reports.as_array()) {
            for (auto& tool : chosen(report)) {
                if (tool.direct) {
                    throw Error(ErrorKind::InvalidInput,
                                fmt::format("a source is built with {} from {}, and a build without network finds its "
                                            "tools by version only",
                                            tool.name, tool.url))
                        .with_hint("name a wheel of the source instead");
                }
                if (!known_.insert(tool.sha256).second) continue;
                tool.build_only = true;
                tool.requested = false;
                if (!tool.is_wheel()) unbuilt.push_back(tool);
                lock_.pip.push_back(std::move(tool));
            }
        }
        return unbuilt;
    }

    [[nodiscard]] std::filesystem::path file_of(const lock::PipPackage& source) const {
        if (auto there = bench_.downloader().find(source.sha256)) return *there;
        return bench_.downloader().fetch_one(
            {source.file_name, {value_or_throw(Url::parse(source.url))}, source.sha256, std::nullopt});
    }

    PipContainer& container_;
    lock::Lock& lock_;
    const Workbench& bench_;
    std::set<Digest> known_;
};

// What pip in its container would take; and, for what is no wheel, what builds it.
void ask_pip(const spec::EnvironmentSpec& spec, const ResolvedBase& base, lock::Lock& lock, const Workbench& bench,
             Stages& stages) {
    const PipSources sources(spec, lock.source_directory, bench);
    PipContainer container(base, lock, pip_conf(spec.indexes, bench), bench, stages);
    auto files = sources.files(kFolder);
    files.push_back(PipContainer::text_file("requirements.txt", sources.requirements(kFolder)));
    files.push_back(PipContainer::text_file("constraints.txt", join(spec.pip_constraints, "\n") + "\n"));
    {
        const auto progress = bench.reporter().start("Asking pip which files it would take", Reporter::Unit::Items, 0);
        std::vector<std::string> arguments{
            "-m",          "pip", "install",          "--dry-run", "--no-cache-dir", "--report",
            "report.json", "-r",  "requirements.txt", "-c",        "constraints.txt"};
        // Not in pip's configuration, where it would be asked of what builds the sources too.
        if (spec.indexes.require_hashes) arguments.emplace_back("--require-hashes");
        lock.pip = chosen(container.run(std::move(files), arguments, "report.json"));
    }
    for (auto& package : lock.pip) sources.name(package, kFolder);
    check_options(spec, lock.pip);
    if (!std::ranges::all_of(lock.pip, &lock::PipPackage::is_wheel)) {
        const auto progress = bench.reporter().start("Asking what builds the sources", Reporter::Unit::Items, 0);
        BuildRequirements(container, lock, bench).add();
    }
}

}  // namespace

void check_pip_lines(const spec::EnvironmentSpec& spec) {
    for (const auto* places : {&spec.indexes.index_urls, &spec.indexes.find_links}) {
        for (const auto& place : *places) {
            if (place.find("://") != std::string::npos && !place.starts_with("file:")) continue;
            throw Error(ErrorKind::InvalidInput,
                        fmt::format("'{}' is a folder of this machine, which pip in its container does not see", place))
                .with_hint(
                    "name the wheels in it by their paths (./wheels/x.whl), or serve the folder over HTTP and name its "
                    "URL");
        }
    }
    const bool hashes = spec.indexes.require_hashes ||
                        std::ranges::any_of(spec.pip, [](const auto& line) { return !line.hashes.empty(); });
    for (const auto& line : spec.pip) check_line(line, hashes);
}

void choose_pip_files(const Intent& intent, const ResolvedBase& base, lock::Lock& lock, const Workbench& bench,
                      Stages& stages, bool refresh) {
    const auto& spec = intent.spec();
    check_python(lock);
    for (const auto& line : spec.pip) lock.pip_requested.push_back(line.canonical());
    std::ranges::sort(lock.pip_requested);
    {
        const auto progress = bench.reporter().start("Resolving pip's half", Reporter::Unit::Items, 0);
        auto native = choose_natively(spec, lock, bench, refresh);
        if (native.packages) {
            lock.pip = std::move(*native.packages);
            std::ranges::sort(lock.pip, {}, &lock::PipPackage::order);
            return;
        }
        bench.reporter().note(fmt::format("pip chooses the files itself, in a container: {}", native.needs_pip));
        check_pip(lock, native.needs_pip);
    }
    ask_pip(spec, base, lock, bench, stages);
    std::ranges::sort(lock.pip, {}, &lock::PipPackage::order);
}

}  // namespace envbuild::build
