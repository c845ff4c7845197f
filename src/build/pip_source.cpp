#include "build/pip_source.hpp"

#include <fmt/format.h>

#include "base/strings.hpp"
#include "build/git_source.hpp"
#include "pypi/line_parser.hpp"

namespace envbuild::build {

namespace {

using Kind = pypi::RequirementLine::Kind;

constexpr std::string_view kTreeFile = "source.tar";

std::string subdirectory_of(const Url& url) {
    for (const auto field : split(url.fragment(), '&')) {
        if (field.starts_with("subdirectory=")) return percent_decode(field.substr(13));
    }
    return {};
}

PipSource repository(const pypi::RequirementLine& line, const Workbench& bench) {
    const auto url = value_or_throw(GitUrl::parse(line.url));
    const auto progress =
        bench.reporter().start(fmt::format("Fetching {}", redact(url.address())), Reporter::Unit::Items, 0);
    auto checkout = fetch_git(url, bench);
    bench.reporter().note(fmt::format("{}{} is commit {}", redact(url.address()),
                                      url.revision.empty() ? "" : "@" + url.revision, checkout.commit));
    return {.asked = line.canonical(),
            .url = fmt::format("git+{}@{}", url.address(), checkout.commit),
            .subdirectory = subdirectory_of(line.url),
            .file_name = std::string(kTreeFile),
            .cached = std::move(checkout.archive)};
}

CachedSource read_local(const std::filesystem::path& path, const std::optional<Digest>& expected,
                        const Workbench& bench) {
    if (!std::filesystem::is_directory(path)) return keep_file(path, expected, bench);
    if (pypi::has_archive_ending(path.filename().string())) {
        throw Error(ErrorKind::InvalidInput,
                    fmt::format("{} is a folder, but its name is a source archive's", path.string()))
            .with_hint("rename the folder");
    }
    return pack_folder(path, spec::LeftOut::IgnoreRules, expected, bench);
}

PipSource local(const pypi::RequirementLine& line, const std::filesystem::path& directory, const Workbench& bench) {
    const auto path = directory / line.path;  // an absolute path stays as it is
    std::optional<Digest> expected;
    if (!line.source_digest.empty()) expected = value_or_throw(Digest::from_hex(line.source_digest));
    const bool folder = std::filesystem::is_directory(path);
    if (folder && !line.hashes.empty()) {
        throw Error(ErrorKind::InvalidInput,
                    fmt::format("{}: --hash is for files, and this is a folder", line.canonical()))
            .with_hint("leave the hash out: the lock pins the folder's content");
    }
    if (!folder && !pypi::has_archive_ending(line.path)) {
        throw Error(ErrorKind::InvalidInput,
                    fmt::format("{} is neither a folder nor a wheel or source archive by its name", line.path));
    }
    return {.asked = line.canonical(),
            .url = line.path,
            .subdirectory = {},
            .file_name = folder ? std::string(kTreeFile) : path.filename().string(),
            .cached = read_local(path, expected, bench)};
}

Error other_content(const lock::PipPackage& package, const std::string& where, const Digest& found) {
    return Error(ErrorKind::Corrupt, fmt::format("{}: {} gives a source with sha256 {}, but the lock says {}",
                                                 package.name, where, found.hex(), package.sha256.hex()));
}

}  // namespace

PipSources::PipSources(const spec::EnvironmentSpec& spec, const std::filesystem::path& directory,
                       const Workbench& bench) {
    for (const auto& requirement : spec.pip) {
        Line line{requirement, sources_.size()};
        if (requirement.kind == Kind::Vcs) sources_.push_back(repository(requirement, bench));
        if (requirement.kind == Kind::Local) sources_.push_back(local(requirement, directory, bench));
        if (requirement.editable) {
            bench.reporter().warn(
                fmt::format("'{}' is installed as an ordinary package: what changes in its source later does not reach "
                            "the image; build again then",
                            requirement.canonical()));
        }
        lines_.push_back(std::move(line));
    }
}

std::string PipSources::place(std::size_t source, std::string_view folder) const {
    return fmt::format("{}/sources/{}/{}", folder, source, sources_[source].file_name);
}

std::string PipSources::requirement(const Line& line, std::string_view folder) const {
    const auto& asked = line.requirement;
    if (asked.kind != Kind::Vcs && asked.kind != Kind::Local) return asked.canonical();
    const auto& source = sources_[line.source];
    const auto path = place(line.source, folder);
    const auto extras = asked.extras.empty() ? std::string() : "[" + join(asked.extras, ",") + "]";
    const auto url = Url::from_path(path).to_string() +
                     (source.subdirectory.empty() ? "" : "#subdirectory=" + percent_encode(source.subdirectory, "/"));
    // A URL without a name has no place for extras, a path none for a subdirectory; no line needs both.
    std::string text = !asked.name.empty()           ? fmt::format("{}{} @ {}", asked.name, extras, url)
                       : source.subdirectory.empty() ? path + extras
                                                     : url;
    if (!asked.marker.empty()) text += " ; " + asked.marker;
    for (const auto& hash : asked.hashes) text += " --hash=" + hash;
    for (const auto& option : asked.options) text += " " + option;
    return text;
}

std::string PipSources::requirements(std::string_view folder) const {
    std::string text;
    for (const auto& line : lines_) text += requirement(line, folder) + "\n";
    return text;
}

std::vector<layer::ContextFile> PipSources::files(std::string_view folder) const {
    std::vector<layer::ContextFile> files;
    files.reserve(sources_.size());
    for (std::size_t i = 0; i < sources_.size(); ++i)
        files.push_back({place(i, folder).substr(1), {}, sources_[i].cached.file, 0644});
    return files;
}

void PipSources::name(lock::PipPackage& package, std::string_view folder) const {
    const auto url = Url::parse(package.url);
    for (std::size_t i = 0; i < sources_.size(); ++i) {
        if (!url || url->scheme() != "file" || url->file_path() != place(i, folder)) continue;
        const auto& source = sources_[i];
        if (package.sha256 != source.cached.sha256) throw other_content(package, "pip", package.sha256);
        package.url = source.url;
        package.subdirectory = source.subdirectory;
        package.direct = package.is_repository();
        package.file_name = package.expected_file_name();
        return;
    }
}

void restore_source(const lock::PipPackage& package, const std::filesystem::path& directory, const Workbench& bench) {
    if (bench.downloader().find(package.sha256)) return;
    if (package.is_local()) {
        const auto path = directory / package.url;
        if (!std::filesystem::exists(path)) {
            throw Error(ErrorKind::NotFound, fmt::format("{}: its source {} is not there", package.name, path.string()))
                .with_hint("the lock names it relative to the lock file's folder: keep the two together");
        }
        const auto found = read_local(path, std::nullopt, bench);
        if (found.sha256 == package.sha256) return;
        throw other_content(package, path.string(), found.sha256)
            .with_hint("the source changed since it was locked: lock again, or go back to the source of then");
    }
    const auto url = value_or_throw(Url::parse(package.url));
    const auto progress =
        bench.reporter().start(fmt::format("Fetching {}", redact(package.url)), Reporter::Unit::Items, 0);
    const auto found = fetch_git(value_or_throw(GitUrl::parse(url)), bench).archive;
    if (found.sha256 != package.sha256) {
        throw other_content(package, package.url, found.sha256)
            .with_hint("its submodules or git filters give another tree here than where it was locked");
    }
}

std::string direct_url(const lock::PipPackage& package) {
    if (!package.direct || package.is_local()) return {};
    Json json = Json::object();
    if (package.is_repository()) {
        const auto at = package.url.rfind('@');
        json.set("url", package.url.substr(4, at - 4));
        Json vcs = Json::object();
        vcs.set("vcs", "git").set("commit_id", package.url.substr(at + 1));
        json.set("vcs_info", std::move(vcs));
    } else {
        Json hashes = Json::object();
        hashes.set("sha256", package.sha256.hex());
        Json archive = Json::object();
        archive.set("hash", "sha256=" + package.sha256.hex()).set("hashes", std::move(hashes));
        json.set("url", package.url).set("archive_info", std::move(archive));
    }
    if (!package.subdirectory.empty()) json.set("subdirectory", package.subdirectory);
    return json.dump();
}

}  // namespace envbuild::build
