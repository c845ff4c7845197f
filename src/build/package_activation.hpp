// Activation files read straight from package archives, before anything is linked.
#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "link/activation.hpp"

namespace envbuild::build {

// Reads every package's info part and, of the few that bring something under etc/conda, the payload. Throws
// Error(Corrupt).
class PackageActivation final : public link::ActivationFiles {
  public:
    // `archives` with the names they have in their channel; in link order: the last one to bring a path wins it, as in
    // LinkPlan.
    PackageActivation(const std::vector<std::pair<std::string, std::filesystem::path>>& archives,
                      std::string_view prefix);

    [[nodiscard]] std::vector<std::string> list(std::string_view directory) const override;
    [[nodiscard]] std::optional<std::string> read(const std::string& path) const override;
    [[nodiscard]] What what(const std::string& path) const override;

  private:
    std::set<std::string> files_, directories_;
    std::map<std::string, std::string> contents_;  // of what lies under etc/conda, placeholders replaced
};

}  // namespace envbuild::build
