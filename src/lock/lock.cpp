#include "lock/lock.hpp"

#include "base/strings.hpp"
#include "base/url.hpp"
#include "pypi/line_parser.hpp"

namespace envbuild::lock {

namespace {

// Only what is there: a field that a later version adds, left empty, changes no hash.
void set_nonempty(Json& object, const char* key, const std::string& value) {
    if (!value.empty()) object.set(key, value);
}

Json json_of(const std::map<std::string, std::string>& map) {
    Json object = Json::object();
    for (const auto& [key, value] : map) object.set(key, value);
    return object;
}

// What decides the package's files and its record in conda-meta. What repodata says beside that (depends, a licence) is
// taken from the archive there, so that a channel's later corrections of its metadata change no key.
Json json_of(const conda::PackageRecord& record) {
    Json object = Json::object();
    object.set("name", record.name);
    object.set("version", record.version.to_string());
    object.set("build", record.build);
    object.set("channel", record.channel);
    object.set("subdir", record.subdir);
    object.set("url", record.url.to_string());
    if (record.sha256) object.set("sha256", record.sha256->hex());
    set_nonempty(object, "md5", record.md5);
    if (record.size != 0) object.set("size", record.size);
    set_nonempty(object, "python_site_packages_path", record.python_site_packages_path);
    return object;
}

// Where an index keeps a file is not in the image, unless the user named the URL (direct_url.json).
Json json_of(const PipPackage& package) {
    Json object = Json::object();
    object.set("name", package.name);
    object.set("version", package.version);
    if (package.direct) object.set("url", package.url);
    object.set("sha256", package.sha256.hex());
    object.set("file_name", package.file_name);
    object.set("requested", package.requested);
    object.set("direct", package.direct);
    object.set("build_only", package.build_only);
    set_nonempty(object, "subdirectory", package.subdirectory);
    return object;
}

}  // namespace

Expected<LockHash> LockHash::parse(std::string_view hex) {
    auto digest = Digest::from_hex(hex);
    if (!digest) return fail(ErrorKind::InvalidInput, "a lock hash is 64 hex digits, not '" + std::string(hex) + "'");
    return LockHash(*digest);
}

std::string PipPackage::expected_file_name() const {
    const auto tree = [&] { return replace_all(name, "-", "_") + "-" + version + ".tar"; };
    if (is_repository()) return tree();
    if (is_local()) return pypi::has_archive_ending(url) ? url.substr(url.rfind('/') + 1) : tree();
    const auto parsed = Url::parse(url);
    return parsed ? parsed->filename() : std::string();
}

void Lock::move_sources(const std::filesystem::path& directory) {
    const auto whole = [](const std::filesystem::path& path) {
        return std::filesystem::absolute(path).lexically_normal();
    };
    for (auto& package : pip) {
        if (!package.url.starts_with('.')) continue;
        const auto moved =
            whole(source_directory / package.url).lexically_relative(whole(directory / ".")).generic_string();
        package.url = moved.starts_with('.') ? moved : "./" + moved;
        while (package.url.size() > 1 && package.url.ends_with('/')) package.url.pop_back();
    }
    source_directory = directory;
}

Json Lock::canonical() const {
    Json json = Json::object();
    json.set("kind", "envbuild-lock");  // keys of different kinds never collide
    json.set("tree_format", kTreeFormat);
    json.set("platform", platform.to_string());
    json.set("prefix", prefix);
    json.set("channels", Json(channels));
    Json packages = Json::array();
    for (const auto& record : conda) packages.push(json_of(record));
    json.set("conda", std::move(packages));
    json.set("requested", Json(requested));
    Json files = Json::array();
    for (const auto& package : pip) files.push(json_of(package));
    json.set("pip", std::move(files));
    json.set("pip_requested", Json(pip_requested));
    // The glibc that was read from the base follows from its digest, and is among the virtual packages.
    Json image = Json::object();
    image.set("name", base.name);
    image.set("digest", base.digest.to_string());
    image.set("cuda", base.cuda);
    image.set("cudnn", base.cudnn);
    json.set("base", std::move(image));
    json.set("gpu", gpu);
    if (user_managed) json.set("user_managed", true);
    json.set("variables", json_of(variables));
    json.set("virtual_packages", json_of(virtual_packages));
    json.set("python_version", python_version);
    json.set("template", template_digest);
    json.set("source_date_epoch", source_date_epoch);
    json.set("extra_steps", Json(extra_steps));
    return json;
}

LockHash Lock::hash() const {
    return LockHash(sha256(canonical().canonical()));
}

}  // namespace envbuild::lock
