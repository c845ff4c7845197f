#include "conda/condarc.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <optional>

#include "base/url.hpp"
#include "conda/channel.hpp"

namespace envbuild::conda {

namespace {

namespace fs = std::filesystem;

void add_folder(std::vector<fs::path>& paths, const fs::path& folder) {
    for (const char* const name : {".condarc", "condarc"}) paths.push_back(folder / name);
    std::vector<fs::path> parts;
    std::error_code error;
    for (fs::directory_iterator it(folder / "condarc.d", error), end; !error && it != end; it.increment(error)) {
        const auto extension = it->path().extension();
        if (extension == ".yml" || extension == ".yaml") parts.push_back(it->path());
    }
    std::sort(parts.begin(), parts.end());
    paths.insert(paths.end(), parts.begin(), parts.end());
}

Json merged_list(const Json::Array& stronger, const Json::Array& weaker) {
    Json::Array out = stronger;
    for (const Json& value : weaker) {
        if (std::find(out.begin(), out.end(), value) == out.end()) out.push_back(value);
    }
    return Json(std::move(out));
}

void merge_into(Json& into, const Json& stronger) {
    for (const auto& [key, value] : stronger.as_object()) {
        const Json* const old = into.find(key);
        if (old != nullptr && old->is_object() && value.is_object()) {
            Json child = *old;
            merge_into(child, value);
            into.set(key, std::move(child));
        } else if (old != nullptr && old->is_array() && value.is_array()) {
            into.set(key, merged_list(value.as_array(), old->as_array()));
        } else if (!value.is_null()) {
            into.set(key, value);
        }
    }
}

// Replaces $NAME and ${NAME} in all texts of one setting, as Python's expandvars does.
class Expander {
  public:
    Expander(const ProcessEnv& env, const char* key, std::vector<std::string>& warnings)
        : env_(env), key_(key), warnings_(warnings) {}

    [[nodiscard]] Json expand(const Json& value) {
        if (value.is_string()) return Json(expand(std::string_view(value.as_string())));
        if (value.is_array()) {
            Json::Array out;
            for (const Json& entry : value.as_array()) out.push_back(expand(entry));
            return Json(std::move(out));
        }
        if (!value.is_object()) return value;
        Json out = Json::object();
        for (const auto& [name, entry] : value.as_object()) out.set(name, expand(entry));
        return out;
    }

  private:
    static bool is_name_char(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    }

    std::string expand(std::string_view text) {
        std::string out;
        while (!text.empty()) {
            const std::size_t dollar = std::min(text.find('$'), text.size());
            out += text.substr(0, dollar);
            text.remove_prefix(dollar);
            const std::size_t length = reference_length(text);
            if (length > 0) {
                out += replaced(text.substr(0, length));
            } else {
                out += text.substr(0, 1);
            }
            text.remove_prefix(std::min(std::max<std::size_t>(length, 1), text.size()));
        }
        return out;
    }

    static std::size_t name_end(std::string_view text, std::size_t at) {
        while (at < text.size() && is_name_char(text[at])) ++at;
        return at;
    }

    // Of the reference that the text begins with; 0: it begins with none.
    static std::size_t reference_length(std::string_view text) {
        if (text.starts_with("${")) {
            const std::size_t end = name_end(text, 2);
            return end > 2 && end < text.size() && text[end] == '}' ? end + 1 : 0;
        }
        const std::size_t end = text.starts_with('$') ? name_end(text, 1) : 0;
        return end > 1 ? end : 0;
    }

    std::string replaced(std::string_view reference) {
        const bool braces = reference[1] == '{';
        const std::string_view name = braces ? reference.substr(2, reference.size() - 3) : reference.substr(1);
        if (auto value = env_.get(name)) return std::move(*value);
        // A bare one in small letters may be a piece of a password that was written out.
        const bool is_shown = braces || std::ranges::none_of(name, [](char c) { return c >= 'a' && c <= 'z'; });
        auto warning = is_shown
                           ? fmt::format("condarc: {} in '{}' is left as it is: no such environment variable is set",
                                         reference, key_)
                           : fmt::format(
                                 "condarc: a '$' in '{}' is left as it is: what follows it is no variable "
                                 "that is set",
                                 key_);
        if (std::find(warnings_.begin(), warnings_.end(), warning) == warnings_.end())
            warnings_.push_back(std::move(warning));
        return std::string(reference);
    }

    const ProcessEnv& env_;
    const char* key_;
    std::vector<std::string>& warnings_;
};

// The reader of one key: it reports what it cannot use.
class KeyReader {
  public:
    KeyReader(const Json& merged, std::vector<std::string>& warnings) : merged_(merged), warnings_(warnings) {}

    void text(const char* key, std::string& target) const {
        const Json& value = merged_[key];
        if (value.is_string()) {
            target = value.as_string();
        } else {
            refuse(key, value, "a URL");
        }
    }

    void texts(const char* key, std::vector<std::string>& target) const {
        const Json& value = merged_[key];
        if (const auto list = strings(value)) {
            target = *list;
        } else {
            refuse(key, value, "a list of channels");
        }
    }

    void map(const char* key, const std::function<bool(const std::string&, const Json&)>& take) const {
        const Json& value = merged_[key];
        if (!value.is_object()) return refuse(key, value, "a mapping");
        for (const auto& [name, entry] : value.as_object()) {
            if (!take(name, entry))
                warnings_.push_back(
                    fmt::format("condarc: the entry '{}' of '{}' is ignored: its value has the wrong type", name, key));
        }
    }

    static std::optional<std::vector<std::string>> strings(const Json& value) {
        if (value.is_string()) return std::vector{value.as_string()};
        if (!value.is_array()) return std::nullopt;
        std::vector<std::string> out;
        for (const Json& entry : value.as_array()) {
            if (!entry.is_string()) return std::nullopt;
            out.push_back(entry.as_string());
        }
        return out;
    }

  private:
    void refuse(const char* key, const Json& value, const char* wanted) const {
        if (!value.is_null())
            warnings_.push_back(fmt::format("condarc: '{}' is ignored: it should be {}", key, wanted));
    }

    const Json& merged_;
    std::vector<std::string>& warnings_;
};

}  // namespace

std::vector<fs::path> condarc_paths(const ProcessEnv& env) {
    std::vector<fs::path> paths;
    add_folder(paths, "/etc/conda");
    add_folder(paths, "/var/lib/conda");
    for (const char* const name : {"CONDA_ROOT", "MAMBA_ROOT_PREFIX"}) {
        if (const auto root = env.get_nonempty(name)) add_folder(paths, *root);
    }
    const fs::path home = env.home();
    const auto xdg = env.get_nonempty("XDG_CONFIG_HOME");
    add_folder(paths, (xdg ? fs::path(*xdg) : home / ".config") / "conda");
    add_folder(paths, home / ".conda");
    paths.push_back(home / ".condarc");
    if (const auto prefix = env.get_nonempty("CONDA_PREFIX")) add_folder(paths, *prefix);
    if (const auto file = env.get_nonempty("CONDARC")) paths.emplace_back(*file);
    return paths;
}

Json merge_condarc(const std::vector<Json>& weakest_first) {
    Json merged = Json::object();
    for (const Json& file : weakest_first) {
        if (file.is_object()) merge_into(merged, file);
    }
    return merged;
}

Json expand_condarc(Json merged, const ProcessEnv& env, std::vector<std::string>& warnings) {
    for (const char* const key :
         {"channel_alias", "custom_channels", "default_channels", "custom_multichannels", "mirrored_channels"}) {
        if (const Json* const value = merged.find(key)) {
            Json expanded = Expander(env, key, warnings).expand(*value);
            merged.set(key, std::move(expanded));
        }
    }
    return merged;
}

ChannelSettings ChannelSettings::from_condarc(const Json& merged, std::vector<std::string>& warnings) {
    ChannelSettings settings;
    const KeyReader reader(merged, warnings);
    reader.text("channel_alias", settings.channel_alias);
    if (settings.channel_alias.find("://") == std::string::npos) settings.channel_alias.insert(0, "https://");
    reader.texts("default_channels", settings.default_channels);
    reader.map("custom_channels", [&](const std::string& name, const Json& value) {
        if (!value.is_string()) return false;
        settings.custom_channels[name] = value.as_string();
        return true;
    });
    reader.map("custom_multichannels", [&](const std::string& name, const Json& value) {
        const auto list = KeyReader::strings(value);
        if (list) settings.custom_multichannels[name] = *list;
        return list.has_value();
    });
    // mamba's key: a channel's name or URL and the URLs that hold copies of it.
    reader.map("mirrored_channels", [&](const std::string& name, const Json& value) {
        auto list = KeyReader::strings(value);
        const auto channels = resolve_channel(name, settings, "/");
        if (!list || !channels || channels->size() != 1) return false;
        std::erase_if(*list, [&](const std::string& url) {
            const bool usable = url.starts_with("http://") || url.starts_with("https://") || url.starts_with("file://");
            if (!usable)
                warnings.push_back(fmt::format(
                    "condarc: the mirror '{}' is ignored: only http, https and file are asked", redact(url)));
            return !usable;
        });
        settings.mirrors[channels->front().url().to_string()] = *list;
        return true;
    });
    return settings;
}

}  // namespace envbuild::conda
