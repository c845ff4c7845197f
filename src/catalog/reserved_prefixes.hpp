// ReservedPrefixes: names that are kept for curated environments.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace envbuild::catalog {

// "AzureML", "Microsoft" in any case, and what the site adds: refused for users, with the message Azure ML's users
// know. A value.
class ReservedPrefixes {
  public:
    explicit ReservedPrefixes(const std::vector<std::string>& further = {});
    // The name as it is. InvalidInput where it begins with one.
    [[nodiscard]] Expected<std::string> check(std::string_view name) const;
    [[nodiscard]] bool reserves(std::string_view name) const;

  private:
    std::vector<std::string> prefixes_;  // as written
};

}  // namespace envbuild::catalog
