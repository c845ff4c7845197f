// Environment markers (PEP 508): `python_version < "3.8" and sys_platform == "linux"`.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "pypi/marker_environment.hpp"

namespace envbuild::pypi {

// Immutable. The default one has no condition: it always holds.
class Marker {
  public:
    // InvalidInput; the message says at which character. Legacy names ("os.name", "python_implementation") are taken.
    [[nodiscard]] static Expected<Marker> parse(std::string_view text);

    // One spelling: double quotes where the value holds none, single spaces, brackets only where they are needed. The
    // order of terms stays as written.
    [[nodiscard]] std::string to_string() const;
    [[nodiscard]] bool empty() const { return node_ == nullptr; }

    // Whether it holds for the target, where `extra` is the extra that is asked for ("" for none). Versions compare as
    // PEP 440 has it, pre-releases included, other texts as texts: equal, or one in the other. InvalidInput for a
    // comparison that has no meaning ("~=" of texts that are no versions).
    [[nodiscard]] Expected<bool> evaluate(const MarkerEnvironment& environment, std::string_view extra = "") const;
    // Whether it holds for one of the extras; without extras, for none of them, as pip takes Requires-Dist.
    [[nodiscard]] Expected<bool> evaluate_any(const MarkerEnvironment& environment,
                                              const std::vector<std::string>& extras) const;

    struct Node;

  private:
    std::shared_ptr<const Node> node_;
};

}  // namespace envbuild::pypi
