#include "spec/inside_link.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/fs.hpp"
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

bool lies_inside(const std::filesystem::path& path, const std::filesystem::path& directory) {
    std::error_code failed;
    const auto whole = fs::weakly_canonical(fs::absolute(path), failed);
    if (failed) return false;
    const auto root = fs::weakly_canonical(fs::absolute(directory), failed);
    if (failed) return false;
    const auto relative = whole.lexically_relative(root);
    return !relative.empty() && *relative.begin() != "..";
}

void refuse_link_out(const std::filesystem::path& path, const std::filesystem::path& directory) {
    const auto root = fs::absolute(directory).lexically_normal() / "";
    const auto written = fs::absolute(path).lexically_normal().lexically_relative(root.parent_path());
    if (written.empty() || *written.begin() == ".." || lies_inside(path, directory)) return;
    throw Error(ErrorKind::InvalidInput, fmt::format("{} is a link that leads out of the definition's folder {}",
                                                     path.string(), directory.string()))
        .with_hint("put the file itself there");
}

}  // namespace envbuild::spec
