// Environment markers (PEP 508): `python_version < "3.8" and sys_platform == "linux"`.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace envbuild::pypi {

// Immutable.
class Marker {
  public:
    // InvalidInput; the message says at which character. Legacy names ("os.name", "python_implementation") are taken.
    [[nodiscard]] static Expected<Marker> parse(std::string_view text);

    // One spelling: double quotes where the value holds none, single spaces, brackets only where they are needed. The
    // order of terms stays as written.
    [[nodiscard]] std::string to_string() const;

    struct Node;

  private:
    std::shared_ptr<const Node> node_;
};

}  // namespace envbuild::pypi
