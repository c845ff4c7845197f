#include <fmt/format.h>

#include <array>
#include <charconv>

#include "base/strings.hpp"
#include "catalog/cuda.hpp"

namespace envbuild::catalog {

Expected<CudaVersion> CudaVersion::parse(std::string_view text) {
    const auto bad = [&] {
        return std::unexpected(Error(ErrorKind::InvalidInput, fmt::format("'{}' is no CUDA version", text))
                                   .with_hint("write it as 11.8 or 12.4.1"));
    };
    CudaVersion version;
    version.text_ = std::string(trim(text));
    const auto parts = split(version.text_, '.');
    const std::array<int*, 3> fields = {&version.major_, &version.minor_, &version.patch_};
    if (parts.size() > fields.size()) return bad();
    for (std::size_t i = 0; i < parts.size(); ++i) {
        const auto* end = parts[i].data() + parts[i].size();
        const auto [stop, error] = std::from_chars(parts[i].data(), end, *fields[i]);
        if (error != std::errc() || stop != end || parts[i].front() == '-') return bad();
    }
    version.parts_ = static_cast<int>(parts.size());
    return version;
}

std::string CudaVersion::major_minor() const {
    return parts_ < 2 ? std::to_string(major_) : fmt::format("{}.{}", major_, minor_);
}

bool CudaVersion::fits(const CudaVersion& asked) const {
    return major_ == asked.major_ && (asked.parts_ < 2 || minor_ == asked.minor_) &&
           (asked.parts_ < 3 || patch_ == asked.patch_);
}

std::strong_ordering CudaVersion::operator<=>(const CudaVersion& other) const {
    if (const auto order = major_ <=> other.major_; order != 0) return order;
    if (const auto order = minor_ <=> other.minor_; order != 0) return order;
    return patch_ <=> other.patch_;
}

}  // namespace envbuild::catalog
