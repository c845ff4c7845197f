#include "build/doctor_services.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <ctime>
#include <system_error>

#include "base/fs.hpp"
#include "base/strings.hpp"
#include "build/docker_builder.hpp"
#include "build/image_places.hpp"
#include "build/published_names.hpp"
#include "catalog/base_images.hpp"
#include "conda/channel.hpp"

namespace envbuild::build {

namespace {

constexpr std::uint64_t kGiB = 1ULL << 30;
constexpr auto kAnswerTime = std::chrono::seconds(20);
// A name that nobody uses: its absence is an answer, and shows that the repository may be read.
constexpr const char* kProbeTag = "envbuild-doctor";

Finding failed(std::string check, std::string text, const Error& error, Health health = Health::Fail) {
    Finding finding{std::move(check), health, std::move(text), error.hint(), Json::object()};
    finding.text += ": " + error.message();
    if (finding.advice.empty()) finding.advice = "see the message; proxies are read from https_proxy and no_proxy";
    finding.facts.set("error", std::string(envbuild::to_string(error.kind())));
    return finding;
}

struct Space {
    std::uint64_t free = 0, total = 0;
};

std::optional<Space> space_of(const std::filesystem::path& path) {
    struct statvfs info{};
    if (::statvfs(path.c_str(), &info) != 0) return std::nullopt;
    return Space{info.f_bavail * info.f_frsize, info.f_blocks * info.f_frsize};
}

Health by_space(std::uint64_t free, std::uint64_t enough, std::uint64_t least) {
    return free < least ? Health::Fail : free < enough ? Health::Warn : Health::Ok;
}

std::vector<std::string> strings_of(const Json& list) {
    std::vector<std::string> strings;
    if (!list.is_array()) return strings;
    for (const auto& item : list.as_array()) {
        if (item.is_string()) strings.push_back(item.as_string());
    }
    return strings;
}

// A question whose answer's status matters, and whose clock is compared.
HttpResponse ask(const Url& url, const std::string& method, const Workbench& bench,
                 std::vector<std::chrono::seconds>& times) {
    HttpRequest request;
    request.method = method;
    request.url = url;
    request.timeout = kAnswerTime;
    request.max_attempts = 2;
    auto response = bench.http().send(request);
    if (const auto date = parse_http_date(response.header("date"))) {
        times.push_back(std::chrono::duration_cast<std::chrono::seconds>(*date - std::chrono::system_clock::now()));
    }
    return response;
}

// Leaves nothing: a file without a name, else one that is gone at once. Asking for permissions alone says nothing of
// read-only mounts and of root.
void check_writable_folder(const std::filesystem::path& folder) {
    const auto refuse = [&] {
        throw Error(ErrorKind::Io, fmt::format("{}: {}", folder.string(), std::generic_category().message(errno)))
            .with_hint("mend its permissions, or name another place in `registry`");
    };
    int file = ::open(folder.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
    if (file < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) {
        auto name = (folder / ".envbuild-doctor-XXXXXX").string();
        file = ::mkostemp(name.data(), O_CLOEXEC);
        if (file >= 0) ::unlink(name.c_str());
    }
    if (file < 0) refuse();
    ::close(file);
}

// A link to nowhere is not there for who looks, and in the way of who makes it.
void refuse_dangling(const std::filesystem::path& path) {
    std::error_code ignored;
    if (!std::filesystem::is_symlink(path, ignored) || std::filesystem::exists(path, ignored)) return;
    throw Error(ErrorKind::Io, fmt::format("{} is a link to {}, which is not there", path.string(),
                                           std::filesystem::read_symlink(path).string()))
        .with_hint("make that folder, mount its disk, or name another place in `registry`");
}

// A layout, or where one would be made: what is not there yet is made in the nearest folder that is.
void check_writable(std::filesystem::path place) {
    std::error_code ignored;
    place = std::filesystem::absolute(place).lexically_normal();
    for (auto at = place; at.has_relative_path(); at = at.parent_path()) refuse_dangling(at);
    if (std::filesystem::exists(place / "oci-layout", ignored)) {
        for (const auto* part : {"", "blobs", "blobs/sha256", "ingest"}) {
            const auto folder = place / part;
            refuse_dangling(folder);
            if (!std::filesystem::exists(folder, ignored)) continue;
            if (!std::filesystem::is_directory(folder, ignored)) {
                throw Error(ErrorKind::Corrupt, fmt::format("{} is no folder", folder.string()))
                    .with_hint(
                        "an image layout has its blobs there: move the file away, or name another place in "
                        "`registry`");
            }
            check_writable_folder(folder);
        }
        // Who writes takes these first, whoever made them.
        for (const auto* lock : {".lock", ".names.lock"}) {
            const auto file = place / lock;
            if (!std::filesystem::exists(file, ignored)) continue;
            const UniqueFd opened(::open(file.c_str(), O_RDWR | O_CLOEXEC));
            if (!opened) throw_errno("open the lock", file);
        }
        return;
    }
    while (!std::filesystem::exists(place, ignored) && place.has_relative_path()) place = place.parent_path();
    check_writable_folder(place);
}

// One place that a channel is asked at. Nothing where it is there; else what is wrong.
std::optional<Finding> check_place(const Url& place, const std::string& name, const std::string& subdir,
                                   const Workbench& bench, std::vector<std::chrono::seconds>& times) {
    try {
        if (place.scheme() == "file") {
            const auto folder = std::filesystem::path(place.file_path()) / subdir;
            std::error_code ignored;
            for (const auto* file : {"repodata.json.zst", "repodata.json.bz2", "repodata.json"}) {
                if (std::filesystem::exists(folder / file, ignored)) return std::nullopt;
            }
            return Finding{"channel", Health::Fail,
                           fmt::format("{}: there is no repodata in {}", name, folder.string()),
                           "check the folder of the channel", Json::object()};
        }
        HttpResponse last;
        HttpRequest asked;
        for (const auto* file : {"repodata.json.zst", "repodata.json"}) {
            asked.url = place.join(subdir + "/" + file);
            last = ask(asked.url, "HEAD", bench, times);
            if (last.ok()) return std::nullopt;
            if (last.status != 404 && last.status != 410) break;
        }
        return failed("channel", name, http_error("ask for " + asked.url.to_string(), asked, last));
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::Cancelled) throw;
        return failed("channel", name, error);
    }
}

}  // namespace

Findings check_engine(const Workbench& bench, EngineFacts& facts) {
    Findings findings;
    try {
        const auto engine = DockerBuilder(bench).connect();
        const auto& spoken = engine->negotiate();
        const auto info = engine->info();
        facts.reachable = true;
        facts.nvidia_runtime = info["Runtimes"].find("nvidia") != nullptr;
        facts.cdi_folders = strings_of(info["CDISpecDirs"]);
        Finding found{"engine", Health::Ok,
                      fmt::format("{} at {}, API {}, {}", spoken.server, engine->endpoint().to_string(),
                                  spoken.api_version, spoken.buildkit ? "BuildKit" : "classic builder"),
                      "", Json::object()};
        found.facts.set("endpoint", engine->endpoint().to_string())
            .set("server", spoken.server)
            .set("version", info.string_or("ServerVersion", ""))
            .set("api", spoken.api_version)
            .set("builder", spoken.buildkit ? "buildkit" : "classic")
            .set("storage", info.string_or("Driver", ""))
            .set("nvidia_runtime", facts.nvidia_runtime);
        if (spoken.os_type != "linux" && !spoken.os_type.empty()) {
            found.health = Health::Fail;
            found.text += ": it runs no Linux containers";
            found.advice = "set DOCKER_HOST to an engine that does";
        }
        findings.push_back(std::move(found));

        const auto root = info.string_or("DockerRootDir", "");
        const auto space = engine->endpoint().unix_socket().empty() || root.empty() ? std::nullopt : space_of(root);
        if (space) {
            Finding disk{"engine-disk", by_space(space->free, 20 * kGiB, 2 * kGiB),
                         fmt::format("{} free of {} where the engine keeps its images ({})", human_bytes(space->free),
                                     human_bytes(space->total), root),
                         "", Json::object()};
            disk.facts.set("path", root).set("free", space->free).set("total", space->total);
            if (disk.health != Health::Ok) disk.advice = "make room: docker system df shows what takes it";
            findings.push_back(std::move(disk));
        }
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::Cancelled) throw;
        findings.push_back(failed("engine", "the engine does not answer, so nothing can be built here", error));
    }
    return findings;
}

Findings check_registry(const Workbench& bench) {
    const auto& name = bench.settings().registry;
    if (name.empty() || name.starts_with("oci:")) {
        const auto place = name.empty() ? (bench.settings().data_dir / "images").string() : name.substr(4);
        Findings findings;
        findings.push_back(
            {"registry", Health::Ok, fmt::format("images are kept in the layout {}: nobody else sees them", place),
             "to share builds, set `registry` (ENVBUILD_REGISTRY) to a registry's repository", Json::object()});
        findings.back().facts.set("registry", "oci:" + place);
        findings.push_back(
            {"registry-write", Health::Ok, fmt::format("{} may be written to", place), "", Json::object()});
        try {
            (void)bench.repository()->list_tags();
            check_writable(place);
        } catch (const Error& error) {
            if (error.kind() == ErrorKind::Cancelled) throw;
            findings.back() = failed("registry-write", fmt::format("builds of this host cannot be kept in {}", place),
                                     error, Health::Warn);
        }
        return findings;
    }
    Findings findings;
    const auto repository = oci::Repository::parse(name);
    if (!repository) return {failed("registry", "`registry` is no repository", repository.error())};
    try {
        registry::RegistryClient client(bench.registries(), *repository);
        (void)client.head_manifest(kProbeTag);
        Finding found{"registry", Health::Ok, fmt::format("{} answers, and may be read", name), "", Json::object()};
        found.facts.set("registry", name);
        findings.push_back(std::move(found));
        try {
            client.probe_upload();
            Finding write{"registry-write", Health::Ok, fmt::format("{} may be written to", name), "", Json::object()};
            findings.push_back(std::move(write));
        } catch (const Error& error) {
            if (error.kind() == ErrorKind::Cancelled) throw;
            // A host that only runs what others built needs no more than to read.
            findings.push_back(
                failed("registry-write", "builds of this host cannot be published", error, Health::Warn));
        }
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::Cancelled) throw;
        findings.push_back(failed("registry", "the registry cannot be asked", error));
    }
    return findings;
}

Findings check_curated_repository(const Workbench& bench) {
    const auto& name = bench.settings().curated_repository;
    if (name.empty()) return {};
    try {
        const auto names = PublishedNames::curated(bench);
        return {{"curated-repository", Health::Ok,
                 fmt::format("{} answers: {} curated names", name, names ? names->entries().size() : 0), "",
                 Json::object()}};
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::Cancelled) throw;
        return {failed("curated-repository", "`curated_repository` cannot be read", error)};
    }
}

Findings check_channels(const DoctorOptions& options, const Workbench& bench,
                        std::vector<std::chrono::seconds>& times) {
    Findings findings;
    const auto& settings = bench.channel_settings();
    for (const auto& text : settings.configured_channels) {
        const auto channels = conda::resolve_channel(text, settings, "/");
        if (!channels) {
            findings.push_back(failed("channel", text, channels.error()));
            continue;
        }
        for (const auto& channel : *channels) {
            std::optional<Finding> trouble;
            std::string good;
            const auto places = conda::mirrors_of(channel.url(), settings);
            for (const auto& place : places) {
                auto wrong = check_place(place, channel.name(), options.platform.to_string(), bench, times);
                if (!wrong) {
                    good = place.to_string();
                    break;
                }
                if (!trouble) trouble = std::move(wrong);
            }
            if (good.empty()) {
                findings.push_back(std::move(*trouble));
                continue;
            }
            Finding finding{"channel", Health::Ok, fmt::format("{} answers at {}", channel.name(), good), "",
                            Json::object()};
            if (trouble) {
                finding.health = Health::Warn;
                finding.text += "; a mirror before it does not: " + trouble->text;
                finding.advice = trouble->advice;
            }
            finding.facts.set("channel", channel.name()).set("url", good);
            findings.push_back(std::move(finding));
        }
    }
    return findings;
}

Findings check_index(const Workbench& bench, std::vector<std::chrono::seconds>& times) {
    std::vector<std::string> places{"https://pypi.org/simple"};
    if (const auto mirrors = bench.settings().index_mirrors.find(places.front());
        mirrors != bench.settings().index_mirrors.end() && !mirrors->second.empty())
        places = mirrors->second;
    std::optional<Finding> trouble;
    for (const auto& place : places) {
        try {
            const auto url = value_or_throw(Url::parse(place));
            HttpRequest asked;
            // A page that every index has an answer for: the project, or that it has none. The list of all is huge.
            asked.url = url.join("pip/");
            const auto response = ask(asked.url, "HEAD", bench, times);
            if (response.ok() || response.status == 404) {
                Finding finding{"index", Health::Ok, fmt::format("the package index answers at {}", url.to_string()),
                                "", Json::object()};
                finding.facts.set("url", url.to_string());
                return {finding};
            }
            if (!trouble)
                trouble = failed("index", "the package index",
                                 http_error("ask for " + asked.url.to_string(), asked, response), Health::Warn);
        } catch (const Error& error) {
            if (error.kind() == ErrorKind::Cancelled) throw;
            if (!trouble) trouble = failed("index", "the package index", error, Health::Warn);
        }
    }
    trouble->advice = "only files with a pip section need it; name a mirror in index_mirrors or PIP_INDEX_URL";
    return {*trouble};
}

Findings check_bases(const DoctorOptions& options, const Workbench& bench) {
    Findings findings;
    try {
        const auto catalog = catalog::BaseImageCatalog::load(bench.settings().share_dir / "curated");
        const auto deprecated = std::ranges::count_if(catalog.images(), [](const auto& e) { return e.deprecated; });
        Finding loaded{
            "bases", Health::Ok,
            fmt::format("{} base images in the catalogue, {} of them deprecated", catalog.images().size(), deprecated),
            "", Json::object()};
        loaded.facts.set("images", static_cast<std::int64_t>(catalog.images().size()))
            .set("deprecated", static_cast<std::int64_t>(deprecated));
        findings.push_back(std::move(loaded));
        for (const bool gpu : {false, true}) {
            spec::EnvironmentSpec spec;
            spec.platform = options.platform;
            spec.gpu.wanted = gpu;
            spec.base_image = gpu ? bench.settings().base_gpu : bench.settings().base_cpu;
            const auto choice = value_or_throw(catalog.choose(spec));
            const auto name = value_or_throw(oci::Reference::parse(choice.image));
            AskedPlaces asked;
            const auto there = [&](const oci::Repository& place) -> std::optional<std::string> {
                const registry::RegistryClient client(bench.registries(), place);
                if (!client.head_manifest(name.identifier())) return std::nullopt;
                return place.to_string();
            };
            const auto good = ask_places(name.repository(), bench, asked, there).value_or("");
            const auto what = fmt::format("the default base for {}, {},", gpu ? "GPU" : "CPU", name.familiar());
            Finding finding{"base", Health::Ok, fmt::format("{} is at {}", what, good), "", Json::object()};
            finding.facts.set("image", choice.image).set("at", good.empty() ? Json() : Json(good));
            if (good.empty()) {
                finding.health = Health::Warn;
                finding.text =
                    fmt::format("{} cannot be had{}", what,
                                asked.failure ? ": " + asked.failure->message() : std::string(": no place has it"));
                finding.advice =
                    "name a mirror in registry_mirrors, copy it there with envbuild bases mirror, or set " +
                    std::string(gpu ? "base_gpu" : "base_cpu");
            }
            findings.push_back(std::move(finding));
        }
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::Cancelled) throw;
        findings.push_back(failed("bases", "the catalogue of base images", error));
    }
    return findings;
}

Findings check_disk(const Workbench& bench) {
    Findings findings;
    const auto temporary = bench.env().get_nonempty("TMPDIR").value_or("/tmp");
    struct Folder {
        const char* what;
        std::filesystem::path path;
        std::uint64_t enough, least;
    };
    for (const auto& folder :
         {Folder{"cache", bench.settings().cache_dir, 10 * kGiB, kGiB},
          Folder{"data", bench.settings().data_dir, 10 * kGiB, kGiB}, Folder{"temporary", temporary, kGiB, kGiB / 8}}) {
        // What is not there yet will be made in the nearest folder that is.
        auto there = folder.path;
        std::error_code ignored;
        while (!std::filesystem::exists(there, ignored) && there.has_relative_path()) there = there.parent_path();
        const auto space = space_of(there);
        Finding finding{"disk", Health::Ok, "", "", Json::object()};
        finding.facts.set("folder", folder.what).set("path", folder.path.string());
        if (!space || ::access(there.c_str(), W_OK) != 0) {
            finding.health = Health::Fail;
            finding.text = fmt::format("the {} folder {} cannot be written to", folder.what, folder.path.string());
            finding.advice = fmt::format("mend the permissions of {}, or set {}", there.string(),
                                         std::string_view(folder.what) == "temporary" ? "TMPDIR"
                                         : std::string_view(folder.what) == "cache"   ? "cache_dir"
                                                                                      : "data_dir");
        } else {
            finding.health = by_space(space->free, folder.enough, folder.least);
            finding.text = fmt::format("{} free of {} for the {} folder {}", human_bytes(space->free),
                                       human_bytes(space->total), folder.what, folder.path.string());
            finding.facts.set("free", space->free).set("total", space->total);
            if (finding.health != Health::Ok)
                finding.advice = "make room: an environment with PyTorch takes about 10 GB on its way";
        }
        findings.push_back(std::move(finding));
    }
    return findings;
}

Finding check_clock(const std::vector<std::chrono::seconds>& times) {
    Finding finding{"clock", Health::Ok, "", "", Json::object()};
    if (times.empty()) {
        finding.health = Health::Warn;
        finding.text = "no server told its time, so this host's clock was compared with none";
        finding.advice = "check it by hand: date -u";
        return finding;
    }
    // The middle one: one server with a wrong clock does not count.
    auto sorted = times;
    std::ranges::sort(sorted);
    const auto off = sorted[sorted.size() / 2].count();
    finding.facts.set("seconds", static_cast<std::int64_t>(-off));
    const auto size = off < 0 ? -off : off;
    finding.health = size > 3600 ? Health::Fail : size > 300 ? Health::Warn : Health::Ok;
    finding.text =
        size <= 5 ? std::string("this host's clock agrees with the servers'")
                  : fmt::format("this host's clock is {} s {} the servers'", size, off < 0 ? "ahead of" : "behind");
    if (finding.health != Health::Ok)
        finding.advice = "set the clock (timedatectl set-ntp true): tokens and certificates are judged by it";
    return finding;
}

std::optional<std::chrono::system_clock::time_point> parse_http_date(std::string_view text) {
    std::tm time{};
    const std::string copy(text);
    const char* end = ::strptime(copy.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &time);
    if (end == nullptr || *end != 0) return std::nullopt;
    return std::chrono::system_clock::from_time_t(::timegm(&time));
}

}  // namespace envbuild::build
