// What `conda activate` would set, found out without running anything.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "link/link_plan.hpp"

namespace envbuild::link {

// The files that decide activation, by path in the prefix: etc/conda/activate.d/*.sh, etc/conda/env_vars.d/*.json and
// conda-meta/state; and the names of all paths in the prefix for `[ -f … ]`. Answers nothing where there is none.
class ActivationFiles {
  public:
    virtual ~ActivationFiles() = default;
    [[nodiscard]] virtual std::vector<std::string> list(
        std::string_view directory) const = 0;  // names of files, sorted
    [[nodiscard]] virtual std::optional<std::string> read(const std::string& path) const = 0;
    enum class What : std::uint8_t { Nothing, File, Directory };
    [[nodiscard]] virtual What what(const std::string& path) const = 0;
};

// A prefix that lies on this machine, whose root folder is `root`. Symlinks are followed only within it.
class ActivationDirectory : public ActivationFiles {
  public:
    explicit ActivationDirectory(std::filesystem::path root) : root_(std::move(root)) {}
    [[nodiscard]] std::vector<std::string> list(std::string_view directory) const override;
    [[nodiscard]] std::optional<std::string> read(const std::string& path) const override;
    [[nodiscard]] What what(const std::string& path) const override;

  private:
    std::filesystem::path root_;
};

// A prefix that is only planned: what its packages will bring. Reads those archives alone that have activation files.
class PlannedActivation : public ActivationFiles {
  public:
    // `plan` must outlive it. Errors as LinkPlan::emit.
    explicit PlannedActivation(const LinkPlan& plan);
    [[nodiscard]] std::vector<std::string> list(std::string_view directory) const override;
    [[nodiscard]] std::optional<std::string> read(const std::string& path) const override;
    [[nodiscard]] What what(const std::string& path) const override;

  private:
    const LinkPlan& plan_;
    std::map<std::string, std::string> texts_;
};

struct ActivationWarning {
    std::string file;  // "etc/conda/activate.d/gdal.sh"
    int line = 0;
    std::string reason;
    [[nodiscard]] std::string to_string() const;
};

struct Activation {
    std::map<std::string, std::string> variables;  // to be set, over what the base image has
    std::vector<ActivationWarning> warnings;       // scripts that were not understood: nothing of such a script counts
};

// `base` is the environment before activation (the base image's Env and the user's variables), which `${X:-…}` and `[
// -z "$X" ]` look at. In conda's order: PATH and CONDA_PREFIX, env_vars.d, conda-meta/state, then activate.d by name. A
// conservative interpreter of simple shell: assignments, export, unset, if/elif/else with [ … ] tests, comments, ':'
// and 'true'. Whatever else appears makes the whole script count as not understood. Variables whose names begin
// CONDA_BACKUP_ or `_` (a script's own memory for deactivation) are left out of the result.
[[nodiscard]] Activation capture_activation(const ActivationFiles& files, std::string_view prefix,
                                            const std::map<std::string, std::string>& base);

}  // namespace envbuild::link
