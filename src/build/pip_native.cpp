#include "build/pip_native.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/file_digest.hpp"
#include "base/fs.hpp"
#include "build/source_archive.hpp"
#include "catalog/pypi_names.hpp"
#include "pypi/requirements_file.hpp"
#include "solve/pip_index.hpp"
#include "solve/pip_solver.hpp"

namespace envbuild::build {

namespace {

using Line = pypi::RequirementLine;

constexpr std::uint64_t kLargestWheel = 32ULL << 30;

// Why only pip can choose, where that is known before anything is asked; "" where it is not.
std::string needs_pip(const spec::EnvironmentSpec& spec, const lock::Lock& lock) {
    for (const auto& line : spec.pip) {
        if (line.kind != Line::Kind::Named && !line.names_wheel())
            return fmt::format("'{}' is a source", line.canonical());
    }
    if (!spec.indexes.trusted_hosts.empty()) return "--trusted-host asks for connections that are not checked";
    for (const auto& record : lock.conda) {
        if (record.name == "pypy" || (record.name == "python" && record.build.find("pypy") != std::string::npos))
            return "the Python is PyPy";
        if (record.name == "python" && record.build.ends_with("t") && record.build.find("_cp3") != std::string::npos)
            return "the Python has no GIL";
    }
    return "";
}

// What a server gives for a URL, into the package cache; its sha256 was not known before.
Digest fetch_unpinned(const Url& url, const std::string& file_name, const Workbench& bench) {
    const TempDir folder("unpinned", bench.cache_folder("tmp"));
    const auto file = folder.path() / "wheel";
    Sha256 hash;
    {
        AtomicFile out(file);
        HttpRequest request;
        request.url = url;
        request.max_attempts = 1;
        request.sink = [&](std::string_view bytes) {
            if (out.size() + bytes.size() > kLargestWheel)
                throw Error(ErrorKind::Corrupt, fmt::format("{} does not end", file_name));
            hash.update(bytes);
            out.write(bytes);
        };
        const auto answer = bench.http().send(request);
        if (!answer.ok()) throw http_error("downloading " + file_name, request, answer);
        out.commit();
    }
    const auto sha256 = hash.finish();
    const auto kept = bench.downloader().path_of(sha256);
    fs::create_directories(kept.parent_path());
    fs::rename(file, kept);
    return sha256;
}

// A wheel that a line names, in the package cache.
struct NamedWheel {
    const Line* line = nullptr;
    pypi::CoreMetadata metadata;
    Digest sha256;
};

// The one hash that a line or its URL promises; nothing for none, or several.
std::optional<Digest> promised(const Line& line) {
    if (line.hashes.size() == 1) return value_or_throw(Digest::parse(line.hashes.front()));
    constexpr std::string_view kKey = "sha256=";
    const auto& fragment = line.url.fragment();
    const auto key = fragment.find(kKey);
    if (line.kind != Line::Kind::DirectUrl || key == std::string::npos) return std::nullopt;
    const auto digest = Digest::from_hex(fragment.substr(key + kKey.size(), 64));
    return digest ? std::optional(*digest) : std::nullopt;
}

Digest into_cache(const Line& line, const std::string& file_name, const lock::Lock& lock, const Workbench& bench) {
    if (line.kind == Line::Kind::Local) {
        std::optional<Digest> expected;
        if (!line.source_digest.empty()) expected = value_or_throw(Digest::from_hex(line.source_digest));
        return keep_file(lock.source_directory / line.path, expected, bench).sha256;
    }
    const auto url = line.url.without_fragment();
    if (const auto digest = promised(line)) {
        (void)bench.downloader().fetch_one({file_name, {url}, *digest, std::nullopt});
        return *digest;
    }
    return fetch_unpinned(url, file_name, bench);
}

NamedWheel named_wheel(const Line& line, const lock::Lock& lock, const pypi::TagSet& tags, const Workbench& bench) {
    const auto file_name =
        line.kind == Line::Kind::Local ? fs::path(line.path).filename().string() : line.url.filename();
    const auto name = value_or_throw(pypi::WheelName::parse(file_name));
    if (!line.name.empty() && line.name != name.name) {
        throw Error(ErrorKind::InvalidInput,
                    fmt::format("'{}' asks for {} and names a wheel of {}", line.canonical(), line.name, name.name));
    }
    if (!name.rank(tags)) {
        throw Error(ErrorKind::Unsatisfiable,
                    fmt::format("'{}' is not for the target: it is a wheel for {}, and the best "
                                "that the target takes is {}",
                                line.canonical(), name.tag(), tags.tags().front().to_string()))
            .with_hint("the target's Python, machine and glibc decide which wheels fit");
    }
    NamedWheel wheel{&line, {}, into_cache(line, file_name, lock, bench)};
    if (!line.hashes.empty() && std::ranges::find(line.hashes, wheel.sha256.to_string()) == line.hashes.end()) {
        throw Error(ErrorKind::Corrupt, fmt::format("'{}': the file has the sha256 {}, which is none of its hashes",
                                                    line.canonical(), wheel.sha256.hex()));
    }
    const auto bytes = open_file(bench.downloader().path_of(wheel.sha256));
    wheel.metadata =
        value_or_throw(pypi::CoreMetadata::parse(pypi::read_wheel_metadata(*bytes, name, file_name), file_name));
    return wheel;
}

// What conda's packages are to pip.
std::vector<solve::PipProvided> provided(const lock::Lock& lock, const Workbench& bench) {
    const auto names = catalog::PypiNames::load(bench.settings().share_dir / "curated");
    std::vector<solve::PipProvided> list;
    std::set<std::string> known;
    for (const auto& record : lock.conda) {
        for (auto& name : names.of(record)) {
            auto version = pypi::Pep440Version::parse(record.version.to_string());
            if (!version) {
                bench.reporter().debug(fmt::format("{} has no version that pip could read", record.dist_name()));
            } else if (known.insert(name).second) {
                list.push_back({std::move(name), std::move(*version), "conda's " + record.name});
            }
        }
    }
    return list;
}

// Constraints as the reader left them; false where one is no plain requirement.
bool add_constraints(const spec::EnvironmentSpec& spec, const Workbench& bench,
                     std::vector<solve::PipLine>& constraints) {
    pypi::RequirementsParser parser({bench.env(), ".", pypi::read_requirements_text});
    for (const auto& text : spec.pip_constraints) parser.add_item(text, {"-c", 0, 0});
    const auto parsed = parser.take();
    if (!parsed.ok()) return false;
    for (const auto& [line, place] : parsed.requirements) {
        if (line.kind != Line::Kind::Named) return false;
        constraints.push_back({value_or_throw(pypi::Requirement::from_line(line)), line.hashes});
    }
    return true;
}

pypi::PackageIndexSettings index_settings(const spec::EnvironmentSpec& spec, const Workbench& bench, bool refresh) {
    pypi::PackageIndexSettings settings;
    settings.cache_directory = bench.cache_folder("pypi");
    settings.refresh = refresh;
    const auto bare = [](std::string text) {
        while (text.ends_with('/')) text.pop_back();
        return text;
    };
    const auto parsed = [](const std::string& text) { return value_or_throw(Url::parse(text)); };
    for (const auto& text : spec.indexes.index_urls) {
        if (spec.indexes.no_index) break;
        settings.indexes.push_back(parsed(text));
        for (const auto& [index, mirrors] : bench.settings().index_mirrors) {
            if (bare(index) != bare(text)) continue;
            for (const auto& mirror : mirrors)
                settings.mirrors[settings.indexes.back().to_string()].push_back(parsed(mirror));
        }
    }
    for (const auto& text : spec.indexes.find_links) settings.find_links.push_back(parsed(text));
    return settings;
}

lock::PipPackage locked(const solve::PipChoice& choice, const std::vector<NamedWheel>& wheels, const Workbench& bench) {
    lock::PipPackage package;
    package.name = choice.name;
    package.version = choice.metadata->version_text;
    package.requires_dist = choice.metadata->requires_dist_texts;
    package.requested = choice.requested;
    if (choice.direct) {
        const auto& wheel = wheels[*choice.direct];
        const bool local = wheel.line->kind == Line::Kind::Local;
        package.url = local ? wheel.line->path : wheel.line->url.without_user_info().without_fragment().to_string();
        package.sha256 = wheel.sha256;
        package.direct = !local;
        package.file_name = package.expected_file_name();
        return package;
    }
    const auto& file = choice.file->file;
    package.url = file.url.without_user_info().without_fragment().to_string();
    package.file_name = file.url.filename();
    if (file.sha256) {
        package.sha256 = *file.sha256;
        return package;
    }
    package.sha256 = fetch_unpinned(file.url, file.filename, bench);
    bench.reporter().warn(fmt::format("{} has no sha256 in its index; what came is pinned, unchecked: {}",
                                      file.filename, package.sha256.hex()));
    return package;
}

}  // namespace

NativeChoice choose_natively(const spec::EnvironmentSpec& spec, const lock::Lock& lock, const Workbench& bench,
                             bool refresh) {
    if (auto why = needs_pip(spec, lock); !why.empty()) return {std::nullopt, std::move(why)};
    const auto machine = lock.platform.machine();
    solve::PipRequest request{
        .lines = {},
        .direct = {},
        .constraints = {},
        .provided = provided(lock, bench),
        .rules = {.tags =
                      pypi::TagSet(value_or_throw(pypi::TagTarget::of(lock.python_version, machine, lock.base.glibc))),
                  .python = lock.python_version,
                  .pre = spec.indexes.pre,
                  .prefer_binary = spec.indexes.prefer_binary,
                  .no_binary = spec.indexes.no_binary,
                  .only_binary = spec.indexes.only_binary,
                  .allow_unhashed = true},
        .environment = value_or_throw(pypi::MarkerEnvironment::cpython_on_linux(lock.python_version, machine)),
        .require_hashes = spec.indexes.require_hashes ||
                          std::ranges::any_of(spec.pip, [](const auto& line) { return !line.hashes.empty(); }),
        .gpu = lock.gpu,
        .cuda = {}};
    if (const auto cuda = lock.virtual_packages.find("__cuda"); cuda != lock.virtual_packages.end())
        request.cuda = cuda->second;
    if (!add_constraints(spec, bench, request.constraints))
        return {std::nullopt, "a constraint is no plain requirement"};

    std::vector<NamedWheel> wheels;
    for (const auto& line : spec.pip) {
        if (line.kind == Line::Kind::Named) {
            request.lines.push_back({value_or_throw(pypi::Requirement::from_line(line)), line.hashes});
            continue;
        }
        if (!line.marker.empty()) {
            const auto marker = value_or_throw(pypi::Marker::parse(line.marker));
            if (!value_or_throw(marker.evaluate(request.environment))) continue;
        }
        if (request.require_hashes && line.hashes.empty() && !promised(line)) {
            throw Error(ErrorKind::InvalidInput,
                        fmt::format("'{}' has no hash, and others or --require-hashes ask for it of each line",
                                    line.canonical()))
                .with_hint(
                    "write #sha256=… behind the URL, or leave the hashes out: the lock pins every file by its hash");
        }
        wheels.push_back(named_wheel(line, lock, request.rules.tags, bench));
        request.direct.push_back({line.canonical(), line.extras, wheels.back().metadata});
    }

    pypi::PackageIndex index(bench.http(), index_settings(spec, bench, refresh), bench.reporter());
    const auto downloader = bench.downloader();
    const pypi::MetadataSource metadata(bench.http(), downloader, bench.cache_folder("pypi") / "metadata",
                                        bench.reporter());
    solve::PipIndex provider(index, metadata);
    const auto solution = solve::solve_pip(request, provider, bench.cancel());
    if (!solution.needs_pip.empty()) return {std::nullopt, solution.needs_pip};
    for (const auto& note : solution.notes) bench.reporter().note(note);
    bench.reporter().debug(fmt::format("pip's half: {} projects, {} files' metadata, {} searches, {} conflicts",
                                       solution.statistics.projects, solution.statistics.metadata,
                                       solution.statistics.searches, solution.statistics.conflicts));
    std::vector<lock::PipPackage> packages;
    for (const auto& choice : solution.packages) packages.push_back(locked(choice, wheels, bench));
    return {std::move(packages), ""};
}

}  // namespace envbuild::build
