// The process environment as a value, so that what reads variables can be tested, and the folders of the XDG
// specification.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace envbuild {

class ProcessEnv {
  public:
    ProcessEnv() = default;
    explicit ProcessEnv(std::map<std::string, std::string, std::less<>> variables) : variables_(std::move(variables)) {}
    [[nodiscard]] static ProcessEnv from_process();

    // Nothing where the variable is unset; an empty one is "".
    [[nodiscard]] std::optional<std::string> get(std::string_view name) const;
    // Nothing where it is unset or empty.
    [[nodiscard]] std::optional<std::string> get_nonempty(std::string_view name) const;
    [[nodiscard]] const std::map<std::string, std::string, std::less<>>& all() const { return variables_; }

    [[nodiscard]] std::filesystem::path home() const;         // $HOME, or "/" without one
    [[nodiscard]] std::filesystem::path config_home() const;  // $XDG_CONFIG_HOME or ~/.config; then "envbuild"
    [[nodiscard]] std::filesystem::path data_home() const;    // $XDG_DATA_HOME or ~/.local/share; then "envbuild"
    [[nodiscard]] std::filesystem::path cache_home() const;   // $XDG_CACHE_HOME or ~/.cache; then "envbuild"

  private:
    std::map<std::string, std::string, std::less<>> variables_;
};

}  // namespace envbuild
