#include "build/settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "base/fs.hpp"
#include "base/strings.hpp"
#include "build/pip_config.hpp"
#include "spec/yaml.hpp"

namespace envbuild::build {

namespace {

// A setting's value as text from the environment or as a node of config.yaml, brought to one shape.
struct Value {
    std::vector<std::string> list;
    UrlMap map;
    bool is_map = false;

    [[nodiscard]] std::string text() const { return list.empty() ? "" : list.front(); }
};

enum class Form : std::uint8_t { Text, List, Map, Flag };

struct Row {
    SettingRow doc;
    Form form;
    std::function<void(Settings&, const Value&)> apply;
};

constexpr std::string_view kText = "text";
constexpr std::string_view kList = "list (a,b)";
constexpr std::string_view kMap = "map (key=url|url,key=url)";
constexpr std::string_view kFlag = "true or false";

Row text(std::string_view key, std::string_view description, std::string Settings::* member) {
    return {{key, kText, description}, Form::Text, [member](Settings& s, const Value& v) { s.*member = v.text(); }};
}

Row one_of(std::string_view key, std::string_view description, std::string Settings::* member,
           const std::vector<std::string>& allowed) {
    return {{key, kText, description}, Form::Text, [=](Settings& s, const Value& v) {
                if (std::ranges::find(allowed, v.text()) == allowed.end()) {
                    throw Error(ErrorKind::InvalidInput,
                                fmt::format("{} is one of {}, not '{}'", key, join(allowed, ", "), v.text()));
                }
                s.*member = v.text();
            }};
}

Row list(std::string_view key, std::string_view description, std::vector<std::string> Settings::* member) {
    return {{key, kList, description}, Form::List, [member](Settings& s, const Value& v) { s.*member = v.list; }};
}

Row map(std::string_view key, std::string_view description, UrlMap Settings::* member) {
    return {{key, kMap, description}, Form::Map, [member](Settings& s, const Value& v) { s.*member = v.map; }};
}

Row path(std::string_view key, std::string_view description, std::filesystem::path Settings::* member) {
    return {{key, kText, description}, Form::Text, [member, key](Settings& s, const Value& v) {
                if (!v.text().starts_with('/'))
                    throw Error(ErrorKind::InvalidInput, fmt::format("{} is an absolute path", key));
                s.*member = v.text();
            }};
}

const std::vector<Row>& rows() {
    static const std::vector<Row> kRows{
        text("registry",
             "Where images and pointers are kept: `host[:port]/repository`, `oci:/path` for an OCI image layout, or "
             "empty for the layout in the data folder",
             &Settings::registry),
        text("curated_repository",
             "Where curated names are read before those that come with envbuild, and published to; written as "
             "`registry`, which then gives no curated names. Empty: there is no such place",
             &Settings::curated_repository),
        list("channels", "Channels for files that name none; they count for the hash", &Settings::channels),
        text("channel_alias", "What a channel's name is appended to (default: https://conda.anaconda.org)",
             &Settings::channel_alias),
        map("custom_channels", "Channel name to the URL that stands before the name, as in .condarc",
            &Settings::custom_channels),
        list("default_channels", "What `defaults` stands for", &Settings::default_channels),
        one_of("channel_priority",
               "strict (default), flexible or disabled, in place of .condarc's; counts for the hash",
               &Settings::channel_priority, {"strict", "flexible", "disabled"}),
        map("channel_mirrors", "Channel URL to the URLs asked in its place, in turn; on the wire only",
            &Settings::channel_mirrors),
        map("registry_mirrors", "Registry (such as docker.io) to `host[:port][/prefix]` asked in its place, in turn",
            &Settings::registry_mirrors),
        map("index_mirrors",
            "Package index URL to the URLs asked in its place, in turn. PIP_INDEX_URL and pip.conf's index-url are "
            "mirrors of https://pypi.org/simple",
            &Settings::index_mirrors),
        list("insecure_registries", "Registries that are spoken to over plain HTTP (loopback ones always are)",
             &Settings::insecure_registries),
        text("base_cpu", "Base image for CPU environments that name none; counts for the hash", &Settings::base_cpu),
        text("base_gpu", "Base image for GPU environments that name none; counts for the hash", &Settings::base_gpu),
        text("target_cuda", "CUDA version of the nodes' driver, where --target-cuda says nothing",
             &Settings::target_cuda),
        text("target_cpu",
             "CPU of the nodes as archspec names it (x86_64_v3), where --target-cpu says nothing; for the platform "
             "that it "
             "belongs to",
             &Settings::target_cpu),
        one_of("builder", "auto (default: BuildKit where the engine has it), buildkit or classic", &Settings::builder,
               {"auto", "buildkit", "classic"}),
        text("docker_host", "The engine, in place of DOCKER_HOST and the current Docker context",
             &Settings::docker_host),
        text("pip_network",
             "Network in which pip chooses where a source takes part, and an own Dockerfile is built: host (default), "
             "default, or a network's name",
             &Settings::pip_network),
        one_of("compression_level", "gzip level of new layers, 1 to 9 (default 6)", &Settings::compression_level,
               {"1", "2", "3", "4", "5", "6", "7", "8", "9"}),
        text("shm_size", "--shm-size in the printed run command of GPU images (default 8g)", &Settings::shm_size),
        list("reserved_prefixes",
             "What names may not begin with (any case) beside AzureML and Microsoft, for register, clone and rename",
             &Settings::reserved_prefixes),
        {{"allow_missing_hashes", kFlag, "Take channel records that have no sha256; they cannot be checked"},
         Form::Flag,
         [](Settings& s, const Value& v) { s.allow_missing_hashes = v.text() == "true"; }},
        path("data_dir", "Where the embedded store lies (default: $XDG_DATA_HOME/envbuild)", &Settings::data_dir),
        path("cache_dir", "Packages, repodata and base-image facts (default: $XDG_CACHE_HOME/envbuild)",
             &Settings::cache_dir),
    };
    return kRows;
}

Value from_text(const Row& row, std::string_view text) {
    Value value;
    if (row.form == Form::Text || row.form == Form::Flag) {
        value.list = {std::string(trim(text))};
    } else {
        for (const auto field : split(text, ',')) {
            const auto item = trim(field);
            if (item.empty()) continue;
            if (row.form == Form::List) {
                value.list.emplace_back(item);
                continue;
            }
            // The key may hold '=' in no URL that names a channel or an index; the first one ends it.
            const auto equals = item.find('=');
            if (equals == std::string_view::npos) {
                throw Error(ErrorKind::InvalidInput,
                            fmt::format("{} is written key=url,key=url; '{}' has no '='", row.doc.key, redact(item)));
            }
            for (const auto url : split(item.substr(equals + 1), '|')) {
                value.map[std::string(trim(item.substr(0, equals)))].emplace_back(trim(url));
            }
        }
    }
    if (row.form == Form::Flag && value.text() != "true" && value.text() != "false") {
        throw Error(ErrorKind::InvalidInput, fmt::format("{} is true or false, not '{}'", row.doc.key, value.text()));
    }
    return value;
}

Value from_node(const Row& row, const spec::YamlNode& node) {
    Value value;
    switch (row.form) {
        case Form::Text:
            value.list = {node.as_string(row.doc.key)};
            break;
        case Form::Flag:
            value.list = {node.as_bool(row.doc.key) ? "true" : "false"};
            break;
        case Form::List:
            value.list = node.as_strings(row.doc.key);
            break;
        case Form::Map:
            for (const auto& member : node.as_mapping(row.doc.key)) {
                value.map[member.key.text()] =
                    member.value.as_strings(fmt::format("{}.{}", row.doc.key, member.key.text()));
            }
            break;
    }
    return value;
}

void apply_file(Settings& settings, const std::filesystem::path& file, std::vector<std::string>& warnings) {
    const auto root = spec::read_yaml(file);
    if (root.is_null()) return;
    for (const auto& member : root.as_mapping("the configuration")) {
        const auto& key = member.key.text();
        const auto row = std::ranges::find_if(rows(), [&](const Row& r) { return r.doc.key == key; });
        if (row == rows().end()) {
            std::vector<std::string> known;
            for (const auto& r : rows()) known.emplace_back(r.doc.key);
            const auto near = nearest(key, known);
            warnings.push_back(fmt::format("{}:{}: unknown setting '{}'{}", file.string(), member.key.line(), key,
                                           near.empty() ? "" : fmt::format("; did you mean '{}'?", near)));
            continue;
        }
        if (member.value.is_null()) continue;
        try {
            row->apply(settings, from_node(*row, member.value));
        } catch (const Error& error) {
            if (error.message().find(file.filename().string()) != std::string::npos) throw;
            throw member.value.error_at(error.message());
        }
    }
}

}  // namespace

const std::vector<SettingRow>& setting_rows() {
    static const std::vector<SettingRow> kDocs = [] {
        std::vector<SettingRow> docs;
        for (const auto& row : rows()) docs.push_back(row.doc);
        return docs;
    }();
    return kDocs;
}

std::filesystem::path find_share_dir(const ProcessEnv& env) {
    if (const auto configured = env.get_nonempty("ENVBUILD_SHARE_DIR")) return *configured;
    std::error_code ignored;
    const auto program = std::filesystem::read_symlink("/proc/self/exe", ignored);
    auto installed = program.parent_path().parent_path() / "share/envbuild";
    if (std::filesystem::exists(installed / "templates", ignored)) return installed;
    return ENVBUILD_SHARE_FALLBACK;
}

Settings load_settings(const ProcessEnv& env, const std::map<std::string, std::string>& overrides,
                       std::vector<std::string>& warnings) {
    Settings settings;
    settings.data_dir = env.data_home();
    settings.cache_dir = env.cache_home();
    settings.share_dir = find_share_dir(env);
    const auto named = env.get_nonempty("ENVBUILD_CONFIG");
    const std::filesystem::path file = named ? std::filesystem::path(*named) : env.config_home() / "config.yaml";
    std::error_code ignored;
    if (named && !std::filesystem::exists(file, ignored)) {
        throw Error(ErrorKind::NotFound, fmt::format("{}: there is no such file", file.string()))
            .with_hint("ENVBUILD_CONFIG names it: correct the variable, or unset it");
    }
    if (named || std::filesystem::exists(file, ignored)) apply_file(settings, file, warnings);
    for (const auto& row : rows()) {
        std::string variable = "ENVBUILD_";
        for (const char c : row.doc.key) variable += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
        if (const auto value = env.get(variable)) {
            try {
                row.apply(settings, from_text(row, *value));
            } catch (Error& error) {
                error.add_context(fmt::format("reading the environment variable {}", variable));
                throw;
            }
        }
        if (const auto override_ = overrides.find(std::string(row.doc.key)); override_ != overrides.end()) {
            row.apply(settings, from_text(row, override_->second));
        }
    }
    // pip's own configuration names the index to ask; the intent still speaks of the index that it stands for.
    const auto pip = read_pip_config(env);
    if (pip.index_url) settings.index_mirrors.try_emplace("https://pypi.org/simple", std::vector{*pip.index_url});
    for (const auto& url : pip.extra_index_urls) {
        warnings.push_back(
            fmt::format("pip's configuration has an extra index, {}, which is not used: what is not in the file is not "
                        "added; write "
                        "--extra-index-url into the pip section",
                        redact(url)));
    }
    return settings;
}

Condarc Settings::conda_settings(const ProcessEnv& env, std::vector<std::string>& warnings) const {
    auto result = read_condarc(env, warnings);
    if (!channel_priority.empty()) result.channel_priority = channel_priority;
    auto& known = result.channels;
    known.home_directory = env.home().string();
    if (!channel_alias.empty()) known.channel_alias = channel_alias;
    for (const auto& [name, urls] : custom_channels) {
        if (!urls.empty()) known.custom_channels[name] = urls.front();
    }
    if (!default_channels.empty()) known.default_channels = default_channels;
    known.configured_channels = channels;
    for (const auto& [channel, urls] : channel_mirrors) known.mirrors[channel] = urls;
    return result;
}

}  // namespace envbuild::build
