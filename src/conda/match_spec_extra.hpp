// The rarer fields of a MatchSpec. Internal to conda/.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "conda/match_spec.hpp"

namespace envbuild::conda {

// conda.models.version.BuildNumberMatch: "3", ">=3", "*"; anything else matches nothing, as in conda.
class BuildNumberMatcher {
  public:
    [[nodiscard]] static Expected<BuildNumberMatcher> parse(std::string_view text);
    [[nodiscard]] bool matches(std::int64_t number) const;
    [[nodiscard]] const std::string& to_string() const { return text_; }  // an integer in its shortest form

  private:
    std::string text_;
    std::optional<std::int64_t> exact_;
    std::optional<VersionSpec> relation_;
};

struct MatchSpec::Extra {
    std::string channel, subdir, url, md5, sha256, file_name;
    std::optional<BuildNumberMatcher> build_number;
    StringMatcher license, license_family;  // of lower-case text
    std::optional<std::set<std::string>> features, track_features;
    std::string extras, flags,
        when;  // repodata v3: read, and met by no record that envbuild reads ("when" is ignored, as in conda)
};

// "mkl,debug" or "mkl debug" -> the set.
[[nodiscard]] std::set<std::string> split_features(std::string_view text);

}  // namespace envbuild::conda
