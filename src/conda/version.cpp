#include "conda/version.hpp"

#include "base/strings.hpp"
#include "conda/version_key.hpp"

namespace envbuild::conda {

Expected<Version> Version::parse(std::string_view text) {
    const std::string_view trimmed = trim(text);
    auto atoms = split_version(trimmed);
    if (!atoms) return std::unexpected(std::move(atoms.error()));
    Version version;
    version.text_ = trimmed;
    version.key_ = version_key(*atoms);
    return version;
}

std::string Version::normalized() const {
    return normalize_version(text_).value_or("");
}

bool Version::starts_with(const Version& prefix) const {
    return VersionPrefix(prefix).matches(*this);
}

}  // namespace envbuild::conda
