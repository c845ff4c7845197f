#include "link/install_manifest.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/strings.hpp"
#include "conda/paths_json.hpp"

namespace envbuild::link {

namespace {

// Reads the members of one object: each is taken once, and none may be left over.
class Members {
  public:
    Members(const Json& json, std::string where) : json_(json), where_(std::move(where)) {
        if (!json.is_object()) complain("is no object");
    }

    [[nodiscard]] const Json& required(std::string_view key) {
        known_.emplace_back(key);
        const Json* value = json_.find(key);
        if (value == nullptr) complain(fmt::format("lacks \"{}\"", key));
        return *value;
    }
    [[nodiscard]] std::string text(std::string_view key) {
        const Json& value = required(key);
        if (!value.is_string()) complain(fmt::format("has a \"{}\" that is no string", key));
        return value.as_string();
    }
    [[nodiscard]] std::string optional_text(std::string_view key) {
        if (json_.find(key) != nullptr) return text(key);
        return {};
    }
    [[nodiscard]] std::string file_name(std::string_view key) {
        std::string name = text(key);
        if (conda::bad_path_reason(name) || name.find('/') != std::string::npos || has_control_character(name)) {
            complain(fmt::format("has a \"{}\" that is no file name", key));
        }
        return name;
    }
    [[nodiscard]] std::int64_t number(std::string_view key) {
        const Json& value = required(key);
        if (!value.is_int() || value.as_int() < 0) complain(fmt::format("has a \"{}\" that is no whole number", key));
        return value.as_int();
    }
    [[nodiscard]] bool flag(std::string_view key) {
        const Json& value = required(key);
        if (!value.is_bool()) complain(fmt::format("has a \"{}\" that is neither true nor false", key));
        return value.as_bool();
    }
    [[nodiscard]] const Json::Array& list(std::string_view key) {
        const Json& value = required(key);
        if (!value.is_array()) complain(fmt::format("has a \"{}\" that is no list", key));
        return value.as_array();
    }
    [[nodiscard]] Digest sha256(std::string_view key) {
        auto digest = Digest::from_hex(text(key));
        if (!digest) complain(fmt::format("has a \"{}\" that is no sha256", key));
        return *digest;
    }
    void end() const {
        for (const auto& [key, value] : json_.as_object()) {
            if (std::ranges::find(known_, key) == known_.end())
                complain(fmt::format("has an unknown member \"{}\"", key));
        }
    }

  private:
    [[noreturn]] void complain(const std::string& what) const {
        throw Error(ErrorKind::InvalidInput, fmt::format("the install manifest: {} {}", where_, what));
    }

    const Json& json_;
    std::string where_;
    std::vector<std::string> known_;
};

LinkPackage read_package(const Json& json, std::size_t number) {
    Members members(json, fmt::format("packages[{}]", number));
    LinkPackage package;
    package.file_name = members.file_name("file");
    package.sha256 = members.sha256("sha256");
    package.name = members.file_name("name");
    package.version = members.file_name("version");
    package.build = members.file_name("build");
    package.subdir = members.text("subdir");
    package.channel = members.text("channel");
    package.url = members.text("url");
    package.md5 = members.text("md5");
    package.size = static_cast<std::uint64_t>(members.number("size"));
    package.requested_spec = members.text("requested_spec");
    members.end();
    return package;
}

LinkWheel read_wheel_members(Members& members) {
    LinkWheel wheel;
    wheel.file_name = members.file_name("file");
    wheel.sha256 = members.sha256("sha256");
    wheel.name = members.file_name("name");
    wheel.version = members.file_name("version");
    wheel.requested = members.flag("requested");
    wheel.direct_url = members.optional_text("direct_url");
    return wheel;
}

Json json_of(const LinkWheel& wheel) {
    Json item = Json::object();
    item.set("file", wheel.file_name).set("sha256", wheel.sha256.hex()).set("name", wheel.name);
    item.set("version", wheel.version).set("requested", wheel.requested);
    if (!wheel.direct_url.empty()) item.set("direct_url", wheel.direct_url);
    return item;
}

InstallManifest read_manifest(const Json& json) {
    Members members(json, "it");
    InstallManifest manifest;
    if (const auto version = members.number("version"); version != InstallManifest::kVersion) {
        throw Error(ErrorKind::InvalidInput,
                    fmt::format("the install manifest is of version {}, this envbuild-install reads version {}",
                                version, InstallManifest::kVersion));
    }
    manifest.prefix = members.text("prefix");
    manifest.python_version = members.text("python_version");
    manifest.site_packages = members.text("site_packages");
    manifest.source_date_epoch = members.number("source_date_epoch");
    manifest.run_post_link = members.flag("run_post_link");
    manifest.compile_pyc = members.flag("compile_pyc");
    for (const Json& spec : members.list("history_specs")) {
        if (!spec.is_string())
            throw Error(ErrorKind::InvalidInput, "the install manifest: history_specs holds no strings");
        manifest.history_specs.push_back(spec.as_string());
    }
    for (const Json& package : members.list("packages")) {
        manifest.packages.push_back(read_package(package, manifest.packages.size()));
    }
    Members pip(members.required("pip"), "pip");
    for (const Json& item : pip.list("wheels")) {
        Members wheel(item, fmt::format("pip.wheels[{}]", manifest.wheels.size()));
        manifest.wheels.push_back(read_wheel_members(wheel));
        wheel.end();
    }
    for (const Json& item : pip.list("sources")) {
        Members source(item, fmt::format("pip.sources[{}]", manifest.sources.size()));
        LinkWheel package = read_wheel_members(source);
        manifest.sources.push_back({std::move(package), source.optional_text("subdirectory")});
        source.end();
    }
    for (const Json& item : pip.list("tools")) {
        Members tool(item, fmt::format("pip.tools[{}]", manifest.tools.size()));
        manifest.tools.push_back({tool.file_name("file"), tool.sha256("sha256")});
        tool.end();
    }
    pip.end();
    members.end();
    return manifest;
}

}  // namespace

Json InstallManifest::to_json() const {
    Json list = Json::array();
    for (const auto& package : packages) {
        Json item = Json::object();
        item.set("file", package.file_name).set("sha256", package.sha256.hex()).set("name", package.name);
        item.set("version", package.version).set("build", package.build).set("subdir", package.subdir);
        item.set("channel", package.channel).set("url", package.url).set("md5", package.md5).set("size", package.size);
        item.set("requested_spec", package.requested_spec);
        list.push(std::move(item));
    }
    Json wheel_list = Json::array();
    for (const auto& wheel : wheels) wheel_list.push(json_of(wheel));
    Json source_list = Json::array();
    for (const auto& source : sources) {
        Json item = json_of(source.package);
        if (!source.subdirectory.empty()) item.set("subdirectory", source.subdirectory);
        source_list.push(std::move(item));
    }
    Json tool_list = Json::array();
    for (const auto& tool : tools)
        tool_list.push(Json::object().set("file", tool.file_name).set("sha256", tool.sha256.hex()));
    Json pip = Json::object();
    pip.set("wheels", std::move(wheel_list)).set("sources", std::move(source_list)).set("tools", std::move(tool_list));
    Json json = Json::object();
    json.set("version", kVersion).set("prefix", prefix).set("python_version", python_version);
    json.set("site_packages", site_packages).set("source_date_epoch", source_date_epoch);
    json.set("run_post_link", run_post_link).set("compile_pyc", compile_pyc).set("history_specs", Json(history_specs));
    json.set("packages", std::move(list));
    json.set("pip", std::move(pip));
    return json;
}

Expected<InstallManifest> InstallManifest::from_json(const Json& json) {
    try {
        return read_manifest(json);
    } catch (Error& error) {
        return std::unexpected(std::move(error));
    }
}

Expected<InstallManifest> InstallManifest::parse(std::string_view text) {
    auto json = Json::parse(text);
    if (!json) return fail(ErrorKind::InvalidInput, fmt::format("the install manifest: {}", json.error().message()));
    return from_json(*json);
}

}  // namespace envbuild::link
