#include <fmt/format.h>

#include <array>
#include <chrono>

#include "base/json.hpp"
#include "link/link_plan.hpp"

namespace envbuild::link {

namespace {

Json path_entry(const LinkedPath& path) {
    Json entry = Json::object();
    entry.set("_path", path.path);
    if (!path.file_mode.empty()) entry.set("file_mode", path.file_mode);
    if (path.no_link) entry.set("no_link", true);
    entry.set("path_type", path.path_type);
    if (!path.prefix_placeholder.empty()) entry.set("prefix_placeholder", path.prefix_placeholder);
    if (!path.sha256.empty()) entry.set("sha256", path.sha256);
    if (!path.sha256_in_prefix.empty()) entry.set("sha256_in_prefix", path.sha256_in_prefix);
    if (path.has_size) entry.set("size_in_bytes", path.size);
    return entry;
}

std::string utc(std::int64_t seconds) {
    using namespace std::chrono;
    const sys_seconds time{std::chrono::seconds(seconds)};
    const auto day = floor<days>(time);
    const year_month_day date(day);
    const hh_mm_ss clock(time - day);
    return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}", static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), clock.hours().count(),
                       clock.minutes().count(), clock.seconds().count());
}

std::string channel_with_subdir(const LinkPackage& package) {
    if (package.channel.empty() || package.subdir.empty()) return package.channel;
    return package.channel + (package.channel.ends_with('/') ? "" : "/") + package.subdir;
}

}  // namespace

std::string LinkPlan::conda_meta(std::size_t index, const LinkedPackage& linked) const {
    const LinkPackage& package = this->package(index);
    const conda::IndexJson& own = info(index).index;
    Json files = Json::array();
    Json paths = Json::array();
    for (const auto& path : linked.paths) {
        files.push(path.path);
        paths.push(path_entry(path));
    }
    // Members in the order of their names, as conda writes them.
    Json record = Json::object();
    const auto copy = [&](const char* key) {
        if (const Json* value = own.document.find(key)) record.set(key, *value);
    };
    copy("arch");
    record.set("build", package.build);
    record.set("build_number", own.build_number);
    record.set("channel", channel_with_subdir(package));
    record.set("constrains", own.document["constrains"].is_array() ? own.document["constrains"] : Json::array());
    record.set("depends", own.document["depends"].is_array() ? own.document["depends"] : Json::array());
    record.set("extracted_package_dir", "");
    copy("features");
    record.set("files", std::move(files));
    record.set("fn", package.file_name);
    copy("license");
    copy("license_family");
    record.set("link", Json::object().set("source", "").set("type", 1));
    if (!package.md5.empty()) record.set("md5", package.md5);
    record.set("name", package.name);
    copy("noarch");
    record.set("package_tarball_full_path", "");
    if (packages_.at(index).noarch_python) {
        record.set("package_type", "noarch_python");
    } else if (own.noarch == "generic") {
        record.set("package_type", "noarch_generic");
    }
    record.set("paths_data", Json::object().set("paths", std::move(paths)).set("paths_version", 1));
    copy("platform");
    copy("python_site_packages_path");
    record.set("requested_spec", package.requested_spec);
    record.set("sha256", package.sha256.hex());
    if (package.size > 0) record.set("size", package.size);
    record.set("subdir", package.subdir);
    copy("timestamp");
    copy("track_features");
    record.set("url", package.url);
    record.set("version", package.version);
    return record.dump(2) + "\n";
}

std::string LinkPlan::history(const std::vector<std::string>& specs) const {
    std::string text = fmt::format("==> {} <==\n# cmd: envbuild\n", utc(target_.epoch));
    for (const auto& planned : packages_) {
        const LinkPackage& package = planned.source.package;
        const std::string channel = channel_with_subdir(package);
        text += fmt::format("+{}{}{}\n", channel, channel.empty() ? "" : "::", package.dist_name());
    }
    if (!specs.empty()) text += fmt::format("# update specs: {}\n", Json(specs).dump());
    return text;
}

void LinkPlan::emit_metadata(const std::vector<LinkedPackage>& linked, const std::vector<std::string>& specs,
                             TreeSink& sink) const {
    sink.directory("conda-meta", 0755, target_.epoch);
    const auto write = [&](const std::string& path, const std::string& text) {
        conda::StringReader reader(text);
        sink.file(path, 0644, target_.epoch, text.size(), reader);
    };
    for (std::size_t i = 0; i < packages_.size(); ++i) {
        write(fmt::format("conda-meta/{}.json", package(i).dist_name()), conda_meta(i, linked.at(i)));
    }
    write("conda-meta/history", history(specs));
}

}  // namespace envbuild::link
