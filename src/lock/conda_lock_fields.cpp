#include "lock/conda_lock_fields.hpp"

#include <algorithm>

#include "base/strings.hpp"

namespace envbuild::lock {

namespace {

constexpr std::string_view kFormat = "1";

// The rest follows from the package's URL and its archive.
Json extra_of(const conda::PackageRecord& record) {
    Json extra = Json::object();
    if (record.size != 0) extra.set("size", record.size);
    if (!record.python_site_packages_path.empty()) extra.set("site_packages", record.python_site_packages_path);
    // Of a channel whose archives lie elsewhere (CEP 15).
    if (record.url.to_string() != record.channel + "/" + record.subdir + "/" + record.file_name) {
        extra.set("channel", record.channel);
        extra.set("subdir", record.subdir);
    }
    return extra;
}

Json extra_of(const PipPackage& package) {
    Json extra = Json::object();
    if (package.requested) extra.set("requested", true);
    if (package.direct) extra.set("direct", true);
    if (!package.subdirectory.empty()) extra.set("subdirectory", package.subdirectory);
    if (!package.requires_dist.empty()) extra.set("requires_dist", Json(package.requires_dist));
    return extra;
}

Json build_file(const PipPackage& package) {
    Json json = Json::object();
    json.set("name", package.name).set("version", package.version).set("url", package.url);
    return json.set("sha256", package.sha256.hex());
}

PipPackage build_file(const Json& json) {
    PipPackage package;
    package.name = json.string_or("name", "");
    package.version = json.string_or("version", "");
    package.url = json.string_or("url", "");
    package.sha256 = value_or_throw(Digest::from_hex(json.string_or("sha256", "")));
    package.file_name = package.expected_file_name();
    package.build_only = true;
    return package;
}

std::vector<std::string> strings_of(const Json& json) {
    std::vector<std::string> list;
    if (json.is_null()) return list;
    for (const auto& item : json.as_array()) list.push_back(item.as_string());
    return list;
}

void apply(const Json& extra, conda::PackageRecord& record) {
    record.channel = extra.string_or("channel", record.channel);
    record.subdir = extra.string_or("subdir", record.subdir);
    record.python_site_packages_path = extra.string_or("site_packages", "");
    record.size = static_cast<std::uint64_t>(extra.int_or("size", 0));
}

void apply(const Json& extra, PipPackage& package) {
    package.requested = extra.bool_or("requested", false);
    package.direct = extra.bool_or("direct", false);
    package.subdirectory = extra.string_or("subdirectory", "");
    package.requires_dist = strings_of(extra["requires_dist"]);
}

class Reader {
  public:
    Reader(const CustomFields& fields, Lock& lock) : fields_(fields), lock_(lock) {}

    void read() {
        lock_.spec_hash = text("spec_hash");
        lock_.intent = text("intent");
        lock_.prefix = text("prefix");
        lock_.gpu = text("gpu") == "true";
        lock_.user_managed = text("user_managed") == "true";
        lock_.python_version = text("python_version");
        lock_.template_digest = text("template");
        if (const auto epoch = object("source_date_epoch"); !epoch.is_null()) lock_.source_date_epoch = epoch.as_int();
        lock_.base.name = text("base.name");
        if (const auto digest = text("base.digest"); !digest.empty()) {
            lock_.base.digest = value_or_throw(Digest::parse(digest));
        }
        lock_.base.glibc = text("base.glibc");
        lock_.base.cuda = text("base.cuda");
        lock_.base.cudnn = text("base.cudnn");
        lock_.requested = list("requested");
        lock_.pip_requested = list("pip_requested");
        lock_.extra_steps = list("extra_steps");
        lock_.virtual_packages = under("virtual.");
        lock_.variables = under("variable.");
        for (auto& record : lock_.conda) {
            if (const auto json = object("conda." + record.name); !json.is_null()) apply(json, record);
        }
        for (auto& package : lock_.pip) {
            if (const auto json = object("pip." + package.file_name); !json.is_null()) apply(json, package);
        }
        for (const auto& [name, json] : under("build."))
            lock_.pip.push_back(build_file(value_or_throw(Json::parse(json))));
        std::ranges::sort(lock_.pip, {}, &PipPackage::order);
    }

  private:
    std::string text(const std::string& key) const {
        const auto found = fields_.find("envbuild." + key);
        return found == fields_.end() ? std::string() : found->second;
    }
    Json object(const std::string& key) const {
        const auto value = text(key);
        return value.empty() ? Json() : value_or_throw(Json::parse(value));
    }
    std::vector<std::string> list(const std::string& key) const { return strings_of(object(key)); }
    std::map<std::string, std::string> under(const std::string& key) const {
        std::map<std::string, std::string> map;
        const auto prefix = "envbuild." + key;
        for (auto it = fields_.lower_bound(prefix); it != fields_.end() && it->first.starts_with(prefix); ++it) {
            map[it->first.substr(prefix.size())] = it->second;
        }
        return map;
    }

    const CustomFields& fields_;
    Lock& lock_;
};

}  // namespace

CustomFields custom_fields(const Lock& lock) {
    CustomFields fields;
    const auto set = [&](const std::string& key, std::string value) {
        if (!value.empty()) fields["envbuild." + key] = std::move(value);
    };
    const auto set_list = [&](const std::string& key, const std::vector<std::string>& list) {
        if (!list.empty()) set(key, Json(list).dump());
    };
    set("format", std::string(kFormat));
    set("tree_format", std::to_string(Lock::kTreeFormat));
    set("lock_hash", lock.hash().hex());
    set("spec_hash", lock.spec_hash);
    set("intent", lock.intent);
    set("prefix", lock.prefix);
    set("gpu", lock.gpu ? "true" : "false");
    if (lock.user_managed) set("user_managed", "true");
    set("python_version", lock.python_version);
    set("template", lock.template_digest);
    set("source_date_epoch", std::to_string(lock.source_date_epoch));
    set("base.name", lock.base.name);
    if (!lock.base.digest.empty()) set("base.digest", lock.base.digest.to_string());
    set("base.glibc", lock.base.glibc);
    set("base.cuda", lock.base.cuda);
    set("base.cudnn", lock.base.cudnn);
    set_list("requested", lock.requested);
    set_list("pip_requested", lock.pip_requested);
    set_list("extra_steps", lock.extra_steps);
    // An empty value says something here, so it is written.
    for (const auto& [name, value] : lock.virtual_packages) fields["envbuild.virtual." + name] = value;
    for (const auto& [name, value] : lock.variables) fields["envbuild.variable." + name] = value;
    for (const auto& record : lock.conda) set("conda." + record.name, extra_of(record).dump());
    for (const auto& package : lock.pip) {
        if (package.build_only) {
            set("build." + package.file_name, build_file(package).dump());
        } else {
            set("pip." + package.file_name, extra_of(package).dump());
        }
    }
    return fields;
}

std::string custom_prefix(const conda::Platform& platform) {
    return std::string(kCustomPrefix) + platform.to_string() + ".";
}

CustomFields fields_of_platform(const CustomFields& fields, const conda::Platform& platform) {
    const auto prefix = custom_prefix(platform);
    CustomFields own;
    for (const auto& [key, value] : fields) {
        if (key.starts_with(prefix)) own[std::string(kCustomPrefix) + key.substr(prefix.size())] = value;
    }
    return own.empty() ? fields : own;
}

bool are_ours(const CustomFields& fields) {
    const auto found = fields.find("envbuild.format");
    return found != fields.end() && found->second == kFormat;
}

bool is_as_written(const CustomFields& fields, const Lock& lock) {
    const auto hash = fields.find("envbuild.lock_hash");
    const auto format = fields.find("envbuild.tree_format");
    // The hash of a lock of another tree format is another, though nothing was changed.
    return hash == fields.end() || format == fields.end() || format->second != std::to_string(Lock::kTreeFormat) ||
           hash->second == lock.hash().hex();
}

Expected<void> apply_custom_fields(const CustomFields& fields, Lock& lock) {
    try {
        Reader(fields, lock).read();
    } catch (Error& error) {
        return std::unexpected(
            Error(ErrorKind::Corrupt, "custom_metadata does not hold what envbuild writes: " + error.message()));
    }
    return {};
}

}  // namespace envbuild::lock
