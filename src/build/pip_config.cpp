#include "build/pip_config.hpp"

#include "base/fs.hpp"
#include "base/strings.hpp"

namespace envbuild::build {

namespace {

// The INI dialect of Python's configparser, as pip uses it: sections, "key = value" or "key: value", continuation lines
// indented.
std::optional<std::string> value_of(std::string_view text, std::string_view wanted) {
    std::string section;
    std::optional<std::string> value;
    bool continued = false;
    for (const auto line : split(text, '\n')) {
        const auto content = trim(line);
        if (content.empty() || content.starts_with('#') || content.starts_with(';')) continue;
        if (continued && (line.starts_with(' ') || line.starts_with('\t'))) {
            *value += (value->empty() ? "" : " ") + std::string(content);
            continue;
        }
        continued = false;
        if (content.starts_with('[') && content.ends_with(']')) {
            section = to_lower(trim(content.substr(1, content.size() - 2)));
            continue;
        }
        const auto mark = content.find_first_of("=:");
        if (mark == std::string_view::npos || (section != "global" && section != "install")) continue;
        if (replace_all(to_lower(trim(content.substr(0, mark))), "_", "-") != wanted) continue;
        value = trim(content.substr(mark + 1));
        continued = true;
    }
    return value;
}

std::vector<std::filesystem::path> config_files(const ProcessEnv& env) {
    std::vector<std::filesystem::path> files;
    if (const auto named = env.get_nonempty("PIP_CONFIG_FILE")) files.emplace_back(*named);
    files.push_back(env.config_home().parent_path() / "pip/pip.conf");
    files.push_back(env.home() / ".pip/pip.conf");
    files.emplace_back("/etc/xdg/pip/pip.conf");
    files.emplace_back("/etc/pip.conf");
    return files;
}

}  // namespace

PipConfig read_pip_config(const ProcessEnv& env) {
    PipConfig config;
    config.index_url = env.get_nonempty("PIP_INDEX_URL");
    std::optional<std::string> extra = env.get_nonempty("PIP_EXTRA_INDEX_URL");
    // pip's own way to say that no file is to be read.
    if (env.get_nonempty("PIP_CONFIG_FILE") != "/dev/null") {
        for (const auto& file : config_files(env)) {
            std::error_code ignored;
            if (!std::filesystem::is_regular_file(file, ignored)) continue;
            const auto text = read_file_if_exists(file);
            if (!text) continue;
            if (!config.index_url) config.index_url = value_of(*text, "index-url");
            if (!extra) extra = value_of(*text, "extra-index-url");
        }
    }
    if (extra) {
        for (const auto url : split_whitespace(*extra)) config.extra_index_urls.emplace_back(url);
    }
    return config;
}

}  // namespace envbuild::build
