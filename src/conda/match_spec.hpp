// MatchSpec: what a user or a record asks of a package (conda.models.match_spec, CEP 29).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "conda/string_matcher.hpp"
#include "conda/version.hpp"
#include "conda/version_spec.hpp"

namespace envbuild::conda {

struct PackageRecord;
struct RecordHead;

// conda silently drops parts of a spec that it does not understand: "numpy[version<2]", "torch[extra]",
// "bioconda:snpsift" all come out as the bare name.
enum class Dialect : std::uint8_t {
    Strict,  // what users write: conda's grammar, and an error where conda would drop something
    Conda,   // what records say: exactly conda's reading
};

// Immutable; copies share the rarer fields. Takes every form conda takes: "numpy", "numpy=1.19", "numpy==1.19.2",
// "numpy 1.19.* py38_0", "numpy=1.19=py38_0", "numpy>=1.19,<2|2.1", "conda-forge::numpy",
// "conda-forge/linux-64::numpy", "numpy[version='>=1.2',build=*cuda*]", "https://host/ch::pkg", package URLs and file
// names.
class MatchSpec {
  public:
    MatchSpec() = default;
    // InvalidInput; its message holds the reason, and the hint is two lines, the text and a caret under the fault, and
    // where there is a likely slip a third that says what was probably meant.
    [[nodiscard]] static Expected<MatchSpec> parse(std::string_view text, Dialect dialect = Dialect::Strict);

    [[nodiscard]] const std::string& name() const { return name_; }  // lower case; "*", a glob or "^regex$" possible
    [[nodiscard]] bool has_exact_name() const { return !name_matcher_ && name_ != "*"; }
    [[nodiscard]] bool matches_name(std::string_view record_name) const;
    [[nodiscard]] const VersionSpec& version() const { return version_; }
    [[nodiscard]] const StringMatcher& build() const { return build_; }
    [[nodiscard]] std::optional<std::string> build_number() const;  // "3", ">=3"
    [[nodiscard]] const std::string& channel() const;               // as written, without subdir; "" for none or "*"
    [[nodiscard]] const std::string& subdir() const;                // "" for none
    [[nodiscard]] const std::string& url()
        const;  // of an explicit package, as written (a path may be relative); "" for none
    [[nodiscard]] const std::string& md5() const;
    [[nodiscard]] const std::string& sha256() const;
    [[nodiscard]] const std::string& file_name() const;
    [[nodiscard]] const std::string& license() const;

    // Whether the record fits in every field but the channel, which needs a ChannelResolver (Solver compares canonical
    // URLs).
    [[nodiscard]] bool matches(const PackageRecord& record) const;
    // The same of what a head shows, for records of this name; all there is to know where asks_for_head_only().
    [[nodiscard]] bool matches(const RecordHead& head) const;
    [[nodiscard]] bool asks_for_head_only() const;

    // The one spelling that is hashed: "name version build" with brackets for the rest in alphabetical order; the
    // channel as given to it (already canonical). Parses back (Dialect::Conda) to a spec of the same canonical form.
    [[nodiscard]] std::string canonical(std::string_view canonical_channel = "") const;
    [[nodiscard]] const std::string& to_string() const { return text_; }  // as written, trimmed

    [[nodiscard]] MatchSpec with_channel(std::string channel) const;

    struct Extra;

  private:
    friend class MatchSpecParser;
    std::string text_, name_ = "*";
    std::shared_ptr<const StringMatcher> name_matcher_;  // only where the name is a pattern
    VersionSpec version_;
    StringMatcher build_;
    std::shared_ptr<const Extra> extra_;  // only where a rarer field is given
};

// Where conda reads a spec otherwise than it looks ("rust =>1.65" is ">1.65.*", "numpy=" is "numpy"): a line for each,
// which says what conda makes of it. Empty for most.
[[nodiscard]] std::vector<std::string> match_spec_warnings(std::string_view text);

}  // namespace envbuild::conda
