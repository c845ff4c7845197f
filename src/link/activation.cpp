#include "link/activation.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/fs.hpp"
#include "base/json.hpp"
#include "base/strings.hpp"
#include "conda/paths_json.hpp"
#include "link/shell_interpreter.hpp"

namespace envbuild::link {

namespace {

constexpr const char* kScripts = "etc/conda/activate.d";
constexpr const char* kEnvVars = "etc/conda/env_vars.d";
constexpr const char* kState = "conda-meta/state";
constexpr const char* kDefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
constexpr std::string_view kUnset = "***unset***";  // conda's word for it in conda-meta/state
constexpr std::uint64_t kMaxFile = 1 << 20;

// What a script keeps to itself for deactivation, and the shell's own.
bool is_private(std::string_view name) {
    return name.starts_with('_') || name.find("CONDA_BACKUP") != std::string_view::npos || name == "PS1";
}

class Capture {
  public:
    Capture(const ActivationFiles& files, std::string_view prefix, const std::map<std::string, std::string>& base)
        : files_(files), prefix_(prefix), base_(base) {
        for (const auto& [name, value] : base) state_.variables[name] = {value, true};
        const std::string path = base.contains("PATH") ? base.at("PATH") : kDefaultPath;
        const std::string bin = prefix_ + "/bin";
        set("PATH", path == bin || path.starts_with(bin + ":") ? path : bin + ":" + path);
        set("CONDA_PREFIX", prefix_);
        set("CONDA_DEFAULT_ENV", prefix_);
        set("CONDA_SHLVL", "1");
    }

    Activation run() {
        for (const auto& name : files_.list(kEnvVars)) {
            const std::string file = fmt::format("{}/{}", kEnvVars, name);
            if (name.ends_with(".json")) read_variables(file, false);
        }
        read_variables(kState, true);
        for (const auto& name : files_.list(kScripts)) {
            if (name.ends_with(".sh")) run_script(fmt::format("{}/{}", kScripts, name));
        }
        for (const auto& [name, variable] : state_.variables) {
            if (!variable.exported || is_private(name)) continue;
            if (const auto before = base_.find(name); before != base_.end() && before->second == variable.value)
                continue;
            if (has_control_character(variable.value) || !is_valid_utf8(variable.value)) {
                warn("activation", 0, fmt::format("{} has a value with a control character and is left out", name));
                continue;
            }
            result_.variables[name] = variable.value;
        }
        for (const auto& [name, value] : base_) {
            if (!state_.variables.contains(name))
                warn("activation", 0, fmt::format("{} would be unset, which an image cannot do", name));
        }
        return std::move(result_);
    }

  private:
    void set(const std::string& name, const std::string& value) { state_.variables[name] = {value, true}; }
    void warn(std::string file, int line, std::string reason) {
        result_.warnings.push_back({std::move(file), line, std::move(reason)});
    }

    void read_variables(const std::string& file, bool state) {
        const auto text = files_.read(file);
        if (!text) return;
        const auto json = Json::parse(*text);
        const Json* variables = !json ? nullptr : state ? json->find("env_vars") : &*json;
        if (json && json->is_object() && variables == nullptr) return;  // a state without variables
        if (variables == nullptr || !variables->is_object()) {
            warn(file, 0, "is no JSON object of variables");
            return;
        }
        for (const auto& [name, value] : variables->as_object()) {
            if (!is_shell_name(name) || !value.is_string()) {
                warn(file, 0, fmt::format("has a variable that is no name with a string: {}", json_quote(name)));
            } else if (value.as_string() == kUnset) {
                state_.variables.erase(name);
            } else {
                set(name, value.as_string());
            }
        }
    }

    void run_script(const std::string& file) {
        const auto text = files_.read(file);
        if (!text) {
            warn(file, 0, "could not be read: it is a link that leads elsewhere");
            return;
        }
        ShellState next = state_;
        try {
            interpret_shell(*text, [this](const std::string& path) { return file_test(path); }, next);
            state_ = std::move(next);
        } catch (const ShellTrouble& trouble) {
            warn(file, trouble.line, trouble.reason);
        }
    }

    [[nodiscard]] std::optional<char> file_test(const std::string& path) const {
        if (path.empty()) return '-';
        std::string inside;
        if (path == prefix_ || path == prefix_ + "/") return 'd';
        if (!path.starts_with(prefix_ + "/")) return std::nullopt;
        inside = path.substr(prefix_.size() + 1);
        while (inside.ends_with('/')) inside.pop_back();
        if (conda::bad_path_reason(inside)) return std::nullopt;
        switch (files_.what(inside)) {
            case ActivationFiles::What::File:
                return 'f';
            case ActivationFiles::What::Directory:
                return 'd';
            default:
                return '-';
        }
    }

    const ActivationFiles& files_;
    std::string prefix_;
    const std::map<std::string, std::string>& base_;
    ShellState state_;
    Activation result_;
};

// `path` below `root` with its symlinks resolved, where that stays below it.
std::optional<std::filesystem::path> resolve(const std::filesystem::path& root, std::string_view path) {
    std::error_code error;
    const auto top = std::filesystem::canonical(root, error);
    if (error) return std::nullopt;
    const auto real = std::filesystem::canonical(top / path, error);
    if (error) return std::nullopt;
    const auto relative = real.lexically_relative(top);
    if (relative.empty() || *relative.begin() == "..") return std::nullopt;
    return real;
}

}  // namespace

std::string ActivationWarning::to_string() const {
    return line > 0 ? fmt::format("{}:{}: {}", file, line, reason) : fmt::format("{}: {}", file, reason);
}

Activation capture_activation(const ActivationFiles& files, std::string_view prefix,
                              const std::map<std::string, std::string>& base) {
    return Capture(files, prefix, base).run();
}

std::vector<std::string> ActivationDirectory::list(std::string_view directory) const {
    std::vector<std::string> names;
    const auto folder = resolve(root_, directory);
    std::error_code error;
    if (!folder || !std::filesystem::is_directory(*folder, error)) return names;
    for (const auto& entry : std::filesystem::directory_iterator(*folder))
        names.push_back(entry.path().filename().string());
    std::ranges::sort(names);
    return names;
}

std::optional<std::string> ActivationDirectory::read(const std::string& path) const {
    const auto file = resolve(root_, path);
    std::error_code error;
    if (!file || !std::filesystem::is_regular_file(*file, error)) return std::nullopt;
    return read_file(*file, kMaxFile);
}

ActivationFiles::What ActivationDirectory::what(const std::string& path) const {
    const auto found = resolve(root_, path);
    std::error_code error;
    if (!found) return What::Nothing;
    return std::filesystem::is_directory(*found, error) ? What::Directory : What::File;
}

}  // namespace envbuild::link
