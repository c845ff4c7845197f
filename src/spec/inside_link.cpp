#include "spec/inside_link.hpp"

#include <algorithm>

#include "base/strings.hpp"

namespace envbuild::spec {

bool link_stays_inside(std::string_view path, std::string_view target) {
    if (target.empty() || target.front() == '/') return false;
    auto depth = std::ranges::count(path, '/');
    bool named = false;
    for (const auto part : split(target, '/')) {
        if (part.empty() || part == ".") continue;
        if (part != "..") {
            named = true;
        } else if (named || depth-- == 0) {
            return false;
        }
    }
    return true;
}

}  // namespace envbuild::spec
