// Virtual packages (CEP 30): what the target has that no channel gives, as records the solver can weigh.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "conda/package_record.hpp"

namespace envbuild::solve {

// "__cuda" -> "11.8", "__archspec" -> "1=x86_64" (version=build; build "0" without one). InvalidInput for a name that
// does not begin with "__" or a version that does not parse.
[[nodiscard]] Expected<std::vector<conda::PackageRecord>> virtual_records(
    const std::map<std::string, std::string>& packages);

}  // namespace envbuild::solve
