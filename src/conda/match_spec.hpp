// MatchSpec: what a user or a record asks of a package (conda.models.match_spec, CEP 29).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/digest.hpp"
#include "base/error.hpp"
#include "conda/version.hpp"

namespace envbuild::conda {

struct PackageRecord;

// A version expression: "1.2.*", ">=1.19,<2|2.1", "~=1.4", "==1.0", "!=1.2.*", "=1.19", "^1\\.[0-9]+$", "*". Immutable.
class VersionSpec {
  public:
    VersionSpec();  // any
    [[nodiscard]] static Expected<VersionSpec> parse(std::string_view text);
    [[nodiscard]] bool matches(const Version& version) const;
    // One spelling for each meaning the rewrite rules of docs/hash.md know: "=1.19" -> "1.19.*", ">= 1.19" -> ">=1.19", sorted
    // and de-duplicated alternatives of '|' and conjuncts of ','; "*" for any.
    [[nodiscard]] std::string canonical() const;
    [[nodiscard]] bool is_any() const;
    [[nodiscard]] std::optional<std::string> exact() const;  // the version of "==1.2" or "1.2", as written

    struct Node;

  private:
    std::shared_ptr<const Node> node_;
};

// A string field that takes an exact value, a glob ("*cuda*") or a regular expression ("^py3.*$"). Case-insensitive as in conda.
class StringMatcher {
  public:
    StringMatcher() = default;  // any
    [[nodiscard]] static Expected<StringMatcher> parse(std::string_view text);
    [[nodiscard]] bool matches(std::string_view value) const;
    [[nodiscard]] bool is_any() const { return !state_; }
    [[nodiscard]] bool is_exact() const;
    [[nodiscard]] const std::string& to_string() const;

    struct State;

  private:
    std::shared_ptr<const State> state_;
};

// Immutable. parse() takes every form conda takes: "numpy", "numpy=1.19", "numpy==1.19.2", "numpy 1.19.* py38_0",
// "numpy=1.19=py38_0", "numpy>=1.19,<2|2.1", "conda-forge::numpy", "conda-forge/linux-64::numpy",
// "numpy[version='>=1.2',build=*cuda*]", "https://host/ch::pkg", package URLs and file names.
class MatchSpec {
  public:
    MatchSpec() = default;
    // InvalidInput; its message holds the reason, and the hint is two lines: the text and a caret under the fault.
    [[nodiscard]] static Expected<MatchSpec> parse(std::string_view text);

    [[nodiscard]] const std::string& name() const { return name_; }  // lower case; "*" or a glob possible
    [[nodiscard]] const VersionSpec& version() const { return version_; }
    [[nodiscard]] const StringMatcher& build() const { return build_; }
    [[nodiscard]] const std::optional<std::string>& build_number() const { return build_number_; }  // "3", ">=3"
    [[nodiscard]] const std::string& channel() const { return channel_; }    // as written; "" for none
    [[nodiscard]] const std::string& subdir() const { return subdir_; }      // "" for none
    [[nodiscard]] const std::string& url() const { return url_; }            // of an explicit package; "" for none
    [[nodiscard]] const std::string& md5() const { return md5_; }
    [[nodiscard]] const std::string& sha256() const { return sha256_; }

    // Whether the record fits in every field but the channel, which needs a ChannelResolver (Solver compares canonical URLs).
    [[nodiscard]] bool matches(const PackageRecord& record) const;

    // The one spelling that is hashed: "name version build" with brackets for the rest in alphabetical order; the channel as
    // given to it (already canonical).
    [[nodiscard]] std::string canonical(std::string_view canonical_channel = "") const;
    [[nodiscard]] std::string to_string() const { return text_; }  // as written, trimmed

    [[nodiscard]] MatchSpec with_channel(std::string channel) const;

  private:
    friend class MatchSpecParser;
    std::string text_, name_, channel_, subdir_, url_, md5_, sha256_, file_name_, license_, features_, track_features_;
    VersionSpec version_;
    StringMatcher build_;
    std::optional<std::string> build_number_;
};

}  // namespace envbuild::conda
