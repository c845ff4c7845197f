#include <algorithm>
#include <set>

#include "base/strings.hpp"
#include "lock/conda_lock.hpp"
#include "lock/conda_lock_fields.hpp"
#include "pypi/requirement_line.hpp"
#include "solve/candidates.hpp"
#include "solve/link_order.hpp"
#include "spec/yaml.hpp"

namespace envbuild::lock {

namespace {

using spec::YamlNode;

// Lock files list every package once per platform: far more nodes than any environment file.
constexpr spec::YamlLimits kLimits{.bytes = 64U << 20U, .nodes = 4'000'000, .depth = 32};

std::string tail_of(std::string_view path) {
    return std::string(path.substr(path.rfind('/') + 1));
}

// "numpy-1.26.0-py311h64a7726_0.conda" -> its build string, or nothing.
std::optional<std::string> build_of(std::string_view file_name) {
    for (const std::string_view extension : {".conda", ".tar.bz2"}) {
        if (!file_name.ends_with(extension)) continue;
        file_name.remove_suffix(extension.size());
        const auto dash = file_name.rfind('-');
        if (dash == std::string_view::npos) return std::nullopt;
        return std::string(file_name.substr(dash + 1));
    }
    return std::nullopt;
}

std::int64_t build_number_of(std::string_view build) {
    const auto digits = build.substr(build.rfind('_') + 1);
    if (digits.empty() || digits.size() > 9 || digits.find_first_not_of("0123456789") != std::string_view::npos)
        return 0;
    return std::stoll(std::string(digits));
}

const std::vector<YamlNode>& packages_of(const YamlNode& root) {
    (void)root.as_mapping("a lock file");
    const auto* version = root.find("version");
    const auto* package = root.find("package");
    if (version == nullptr || package == nullptr) {
        throw root.error_at("this is no conda-lock file: it has no 'version' and 'package'",
                            "make one with: envbuild lock FILE -o conda-lock.yml");
    }
    if (version->text() != "1") {
        throw version->error_at("conda-lock format " + version->text() + " is not known: envbuild reads version 1");
    }
    return package->as_sequence("package");
}

class Reader {
  public:
    Reader(const YamlNode& root, const conda::Platform& platform) : root_(root), platform_(platform) {}

    ReadLock read() {
        auto& lock = result_.lock;
        lock.platform = platform_;
        const auto& entries = packages_of(root_);
        for (const auto& entry : entries) read_entry(entry);
        if (lock.conda.empty() && lock.pip.empty()) check_platform(entries);
        read_metadata();
        return std::move(result_);
    }

  private:
    // A member that must be there, as text.
    static const YamlNode& member(const YamlNode& entry, std::string_view key) {
        const auto* node = entry.find(key);
        if (node == nullptr || node->text().empty())
            throw entry.error_at("this package has no '" + std::string(key) + "'");
        return *node;
    }

    void check_platform(const std::vector<YamlNode>& entries) const {
        std::vector<std::string> others;
        for (const auto& entry : entries) {
            auto name = entry.string_or("platform", "");
            if (std::find(others.begin(), others.end(), name) == others.end()) others.push_back(std::move(name));
        }
        if (others.empty()) return;  // an empty environment is a valid one
        std::sort(others.begin(), others.end());
        throw root_.error_at("this lock file has no package for " + platform_.to_string(),
                             "it is for " + join(others, ", ") + ": choose one with --platform");
    }

    void read_entry(const YamlNode& entry) {
        (void)entry.as_mapping("a package");
        if (entry.string_or("platform", "") != platform_.to_string()) return;
        if (entry.string_or("category", "main") != "main") return;
        const auto manager = member(entry, "manager").text();
        if (manager == "conda") {
            read_conda(entry);
        } else if (manager == "pip") {
            read_pip(entry);
        } else {
            throw member(entry, "manager").error_at("the manager '" + manager + "' is not known: conda and pip are");
        }
    }

    static std::string hash_of(const YamlNode& entry, std::string_view algorithm) {
        const auto* hash = entry.find("hash");
        return hash == nullptr ? std::string() : hash->string_or(algorithm, "");
    }

    static Digest sha256_of(const YamlNode& entry) {
        const auto hex = hash_of(entry, "sha256");
        if (hex.empty()) {
            throw entry.error_at("the package '" + member(entry, "name").text() + "' has no sha256",
                                 "what cannot be checked is not installed: lock again with a tool that writes sha256");
        }
        auto digest = Digest::from_hex(hex);
        if (!digest) throw entry.error_at("'" + hex + "' is no sha256");
        return *digest;
    }

    static Url url_of(const YamlNode& entry) {
        const auto& node = member(entry, "url");
        auto url = Url::parse(node.text());
        if (!url) throw node.error_at(url.error().message());
        return url->without_user_info().without_fragment();
    }

    // Beside URLs: paths, and repositories over ssh, whose user is part of where they are.
    static std::string pip_url_of(const YamlNode& entry) {
        const auto& text = member(entry, "url").text();
        if (text.starts_with('.') || text.starts_with('/')) return text;
        const auto url = Url::parse(text);
        const bool ssh = url && url->scheme() == "git+ssh" && url->user_info();
        auto out = url_of(entry).to_string();
        if (ssh) out.insert(out.find("://") + 3, percent_encode(url->user_info()->user) + "@");
        return out;
    }

    void read_conda(const YamlNode& entry) {
        conda::PackageRecord record;
        record.name = to_lower(member(entry, "name").text());
        const auto& version = member(entry, "version");
        auto parsed = conda::Version::parse(version.text());
        if (!parsed) throw version.error_at(parsed.error().message());
        record.version = std::move(*parsed);
        record.url = url_of(entry);
        record.file_name = record.url.filename();
        const auto build = build_of(record.file_name);
        if (!build) throw member(entry, "url").error_at("this is no conda package: " + record.url.to_string());
        record.build = *build;
        record.build_number = build_number_of(*build);
        const auto path = record.url.to_string();
        const auto folder = path.substr(0, path.rfind('/'));
        record.subdir = tail_of(folder);
        record.channel = folder.substr(0, folder.rfind('/'));
        if (record.subdir == "noarch") record.noarch = conda::Noarch::Generic;
        record.sha256 = sha256_of(entry);
        record.md5 = to_lower(hash_of(entry, "md5"));
        if (const auto* dependencies = entry.find("dependencies");
            dependencies != nullptr && !dependencies->is_null()) {
            for (const auto& [name, demand] : dependencies->as_mapping("dependencies")) {
                record.depends.push_back(demand.text().empty() ? name.text() : name.text() + " " + demand.text());
            }
        }
        if (!names_.insert(record.name).second)
            throw entry.error_at("the package '" + record.name + "' is there twice");
        result_.lock.conda.push_back(std::move(record));
    }

    void read_pip(const YamlNode& entry) {
        PipPackage package;
        package.name = pypi::normalize_name(member(entry, "name").text());
        package.version = member(entry, "version").text();
        package.url = pip_url_of(entry);
        package.file_name = package.expected_file_name();
        package.sha256 = sha256_of(entry);
        if (const auto* dependencies = entry.find("dependencies");
            dependencies != nullptr && !dependencies->is_null()) {
            for (const auto& [name, demand] : dependencies->as_mapping("dependencies")) {
                const auto& text = demand.text();
                package.requires_dist.push_back(text.empty() || text == "*" ? name.text() : name.text() + text);
            }
        }
        result_.lock.pip.push_back(std::move(package));
    }

    void read_metadata() {
        auto& lock = result_.lock;
        CustomFields fields;
        const auto* metadata = root_.find("metadata");
        if (metadata != nullptr) {
            if (const auto* channels = metadata->find("channels"); channels != nullptr && !channels->is_null()) {
                for (const auto& channel : channels->as_sequence("channels")) {
                    lock.channels.push_back(channel.is_scalar() ? channel.text() : channel.string_or("url", ""));
                }
            }
            if (const auto* custom = metadata->find("custom_metadata"); custom != nullptr && !custom->is_null()) {
                for (const auto& [key, value] : custom->as_mapping("custom_metadata"))
                    fields[key.text()] = value.text();
            }
        }
        fields = fields_of_platform(fields, platform_);
        if (are_ours(fields)) {
            auto applied = apply_custom_fields(fields, lock);
            if (!applied) throw root_.error_at(applied.error().message());
            if (!is_as_written(fields, lock)) {
                const auto where = root_.error_at(
                    "it was changed or cut off since envbuild wrote it: its packages are not those of its "
                    "envbuild.lock_hash");
                throw Error(ErrorKind::Corrupt, where.message())
                    .with_hint(
                        "lock again, or take the file from where it is whole; who changed it on purpose takes "
                        "the line with envbuild.lock_hash out");
            }
            if (lock.base.digest.empty()) result_.missing.emplace_back("base image");
            return;
        }
        complete_foreign();
    }

    // What another tool's file leaves open is derived where it follows from the packages, and named where it does not.
    void complete_foreign() {
        auto& lock = result_.lock;
        lock.conda = solve::link_order(std::move(lock.conda));
        std::sort(lock.pip.begin(), lock.pip.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
        for (auto& channel : lock.channels) {
            for (const auto& record : lock.conda) {
                if (!solve::channel_matches(channel, record.channel)) continue;
                channel = record.channel;
                break;
            }
        }
        for (const auto& record : lock.conda) {
            if (record.name == "python") lock.python_version = record.version.to_string();
        }
        result_.missing = {"base image", "virtual packages"};
        const auto is_noarch = [](const auto& record) { return record.noarch != conda::Noarch::None; };
        if (std::any_of(lock.conda.begin(), lock.conda.end(), is_noarch))
            result_.missing.emplace_back("package details");
    }

    const YamlNode& root_;
    const conda::Platform& platform_;
    std::set<std::string> names_;  // of conda packages so far
    ReadLock result_;
};

}  // namespace

CondaLockFile::CondaLockFile(spec::YamlNode root) : root_(std::move(root)) {
    std::set<std::string> platforms;
    for (const auto& entry : packages_of(root_)) platforms.insert(entry.string_or("platform", ""));
    if (const auto* metadata = root_.find("metadata")) {
        if (const auto* listed = metadata->find("platforms"); listed != nullptr && !listed->is_null()) {
            for (const auto& platform : listed->as_sequence("platforms")) platforms.insert(platform.text());
        }
    }
    platforms.erase("");
    platforms_.assign(platforms.begin(), platforms.end());
}

Expected<CondaLockFile> CondaLockFile::parse(std::string_view text, const std::string& file) {
    auto root = spec::parse_yaml(text, file, kLimits);
    if (!root) return std::unexpected(std::move(root.error()));
    try {
        return CondaLockFile(*std::move(root));
    } catch (Error& error) {
        return std::unexpected(std::move(error));
    }
}

Expected<ReadLock> CondaLockFile::read(const conda::Platform& platform) const {
    try {
        return Reader(root_, platform).read();
    } catch (Error& error) {
        return std::unexpected(std::move(error));
    }
}

}  // namespace envbuild::lock
