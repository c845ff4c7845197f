// What the names of distribution files say: wheels (PEP 427, "File name convention", with PEP 425's compressed tag
// sets) and source archives (PEP 625 and what came before it).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "pypi/pep440.hpp"
#include "pypi/tag.hpp"

namespace envbuild::pypi {

// The build tag of a wheel: "1" before "2" before "10" before "10a"; none comes before all.
struct BuildTag {
    std::uint64_t number = 0;
    std::string rest;
    bool present = false;
    std::strong_ordering operator<=>(const BuildTag& other) const;
    bool operator==(const BuildTag&) const = default;
};

// Immutable.
struct WheelName {
    std::string name;  // normalised
    Pep440Version version;
    BuildTag build;
    std::vector<std::string> interpreters, abis, platforms;  // lower case; every combination is a tag of the wheel

    // InvalidInput, with the reason, for what is no wheel's name ("name-version(-build)-python-abi-platform.whl").
    [[nodiscard]] static Expected<WheelName> parse(std::string_view file_name);

    // The best rank of its tags; nothing where the target takes none of them.
    [[nodiscard]] std::optional<std::size_t> rank(const TagSet& tags) const;
    [[nodiscard]] std::string tag() const;  // "cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64"
};

// Immutable.
struct SdistName {
    std::string name;  // normalised
    Pep440Version version;

    // Of the project `name` (normalised), which tells where the name ends ("a-b-1.0.tar.gz"). InvalidInput for another
    // project's file, and for endings that no source archive has (".egg", ".exe", ".rpm").
    [[nodiscard]] static Expected<SdistName> parse(std::string_view file_name, std::string_view name);
};

}  // namespace envbuild::pypi
