#include "base/process_env.hpp"

#include <unistd.h>

namespace envbuild {

namespace {

std::filesystem::path xdg(const ProcessEnv& env, std::string_view variable, std::string_view fallback) {
    const auto configured = env.get_nonempty(variable);
    // The XDG specification says that a relative path is to be ignored.
    if (configured && configured->starts_with('/')) return std::filesystem::path(*configured) / "envbuild";
    return env.home() / fallback / "envbuild";
}

}  // namespace

ProcessEnv ProcessEnv::from_process() {
    ProcessEnv env;
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
        const std::string_view text = *entry;
        const auto equals = text.find('=');
        if (equals != std::string_view::npos) env.variables_.emplace(text.substr(0, equals), text.substr(equals + 1));
    }
    return env;
}

std::optional<std::string> ProcessEnv::get(std::string_view name) const {
    const auto found = variables_.find(name);
    if (found == variables_.end()) return std::nullopt;
    return found->second;
}

std::optional<std::string> ProcessEnv::get_nonempty(std::string_view name) const {
    auto value = get(name);
    if (value && value->empty()) value.reset();
    return value;
}

std::filesystem::path ProcessEnv::home() const {
    return get_nonempty("HOME").value_or("/");
}
std::filesystem::path ProcessEnv::config_home() const {
    return xdg(*this, "XDG_CONFIG_HOME", ".config");
}
std::filesystem::path ProcessEnv::data_home() const {
    return xdg(*this, "XDG_DATA_HOME", ".local/share");
}
std::filesystem::path ProcessEnv::cache_home() const {
    return xdg(*this, "XDG_CACHE_HOME", ".cache");
}

}  // namespace envbuild
