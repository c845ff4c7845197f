// Which curated definitions a command is about: those that are named, else all.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "catalog/curated_set.hpp"

namespace envbuild::build {

// A value.
class CuratedSelection {
  public:
    // `names`: "NAME" or "NAME:VERSION" in any case; none means all. NotFound for one that is not there (the nearest is
    // named); a folder that could not be read is there.
    [[nodiscard]] static CuratedSelection of(const catalog::CuratedSet& set, const std::vector<std::string>& names);

    // `version` is "" for a folder that could not be read.
    [[nodiscard]] bool wants(std::string_view name, std::string_view version) const;

  private:
    struct Wanted {
        std::string name, version;  // lower case; "" for every version
    };
    std::vector<Wanted> wanted_;
};

}  // namespace envbuild::build
