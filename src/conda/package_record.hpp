// One package as a channel's repodata.json describes it (CEP 34 and conda's PackageRecord), or a virtual package.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/digest.hpp"
#include "base/url.hpp"
#include "conda/version.hpp"

namespace envbuild::conda {

enum class Noarch : std::uint8_t { None, Generic, Python };

struct PackageRecord {
    std::string name;
    Version version;
    std::string build;
    std::int64_t build_number = 0;
    std::string subdir;     // "linux-64", "noarch"
    std::string file_name;  // "numpy-1.26.0-py311h64a7726_0.conda"
    std::string channel;    // canonical URL of the channel, without subdir or credentials; "" for virtual packages
    Url url;                // canonical URL of the archive, without credentials; mirrors never show here
    std::optional<Digest> sha256;
    std::string md5;                               // 32 hex digits or ""
    std::uint64_t size = 0;                        // bytes of the archive; 0 unknown
    std::int64_t timestamp = 0;                    // milliseconds since the epoch; 0 unknown
    std::vector<std::string> depends, constrains;  // MatchSpecs as written
    std::vector<std::string> track_features;
    std::string features, license, license_family;
    Noarch noarch = Noarch::None;
    std::string python_site_packages_path;  // CEP 17; "" where absent

    [[nodiscard]] std::string dist_name() const { return name + "-" + version.to_string() + "-" + build; }
};

}  // namespace envbuild::conda
