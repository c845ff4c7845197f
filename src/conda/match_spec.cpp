#include "conda/match_spec.hpp"

#include <fmt/format.h>

#include <charconv>
#include <map>

#include "base/strings.hpp"
#include "base/url.hpp"
#include "conda/channel.hpp"
#include "conda/match_spec_extra.hpp"
#include "conda/name_records.hpp"

namespace envbuild::conda {

namespace {

const MatchSpec::Extra& no_extra() {
    static const MatchSpec::Extra none;
    return none;
}

// The canonical form of a URL as far as a spec's and a record's may differ: credentials and percent-encoding.
std::string comparable_url(std::string_view text) {
    auto url = Url::parse(text);
    return percent_decode(url ? without_credentials(*url).to_string() : std::string(text));
}

std::string joined(const std::set<std::string>& words) {
    return join({words.begin(), words.end()}, " ");
}

// What would end the value or the brackets around it ("http://[::1]/ch") is percent-encoded.
std::string for_brackets(std::string_view url) {
    std::string out;
    for (const char c : url) {
        if (std::string_view("[]'\"").contains(c)) {
            out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
        } else {
            out += c;
        }
    }
    return out;
}

bool contains_any(std::string_view text, std::string_view characters) {
    return text.find_first_of(characters) != std::string_view::npos;
}

}  // namespace

std::set<std::string> split_features(std::string_view text) {
    std::set<std::string> words;
    for (const std::string_view part : split(text, ',')) {
        for (const std::string_view word : split_whitespace(part)) words.emplace(word);
    }
    return words;
}

Expected<BuildNumberMatcher> BuildNumberMatcher::parse(std::string_view text) {
    text = trim(text);
    BuildNumberMatcher matcher;
    matcher.text_ = text;
    std::int64_t number = 0;
    const std::string_view digits = text.starts_with('+') ? text.substr(1) : text;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (error == std::errc() && end == digits.data() + digits.size() && !digits.empty()) {
        matcher.exact_ = number;
        matcher.text_ = std::to_string(number);
    } else if (text == "*" || contains_any(text.substr(0, 1), "=<>!")) {
        auto relation = VersionSpec::parse(text);
        if (!relation) return std::unexpected(std::move(relation.error()));
        matcher.relation_ = std::move(*relation);
    }
    return matcher;
}

bool BuildNumberMatcher::matches(std::int64_t number) const {
    if (exact_) return *exact_ == number;
    if (!relation_) return false;
    auto version = Version::parse(std::to_string(number));
    return version && relation_->matches(*version);
}

std::optional<std::string> MatchSpec::build_number() const {
    if (!extra_ || !extra_->build_number) return std::nullopt;
    return extra_->build_number->to_string();
}

const std::string& MatchSpec::channel() const {
    return (extra_ ? *extra_ : no_extra()).channel;
}
const std::string& MatchSpec::subdir() const {
    return (extra_ ? *extra_ : no_extra()).subdir;
}
const std::string& MatchSpec::url() const {
    return (extra_ ? *extra_ : no_extra()).url;
}
const std::string& MatchSpec::md5() const {
    return (extra_ ? *extra_ : no_extra()).md5;
}
const std::string& MatchSpec::sha256() const {
    return (extra_ ? *extra_ : no_extra()).sha256;
}
const std::string& MatchSpec::file_name() const {
    return (extra_ ? *extra_ : no_extra()).file_name;
}
const std::string& MatchSpec::license() const {
    return (extra_ ? *extra_ : no_extra()).license.to_string();
}

bool MatchSpec::matches_name(std::string_view record_name) const {
    return name_matcher_ ? name_matcher_->matches(record_name) : name_ == record_name || name_ == "*";
}

bool MatchSpec::matches(const PackageRecord& record) const {
    if (!matches_name(record.name) || !build_.matches(record.build) || !version_.matches(record.version)) return false;
    if (!extra_) return true;
    const Extra& extra = *extra_;
    if (extra.build_number && !extra.build_number->matches(record.build_number)) return false;
    if (!extra.subdir.empty() && extra.subdir != record.subdir) return false;
    if (!extra.md5.empty() && extra.md5 != record.md5) return false;
    if (!extra.sha256.empty() && (!record.sha256 || extra.sha256 != record.sha256->hex())) return false;
    if (!extra.file_name.empty() && extra.file_name != record.file_name) return false;
    if (!extra.url.empty() && comparable_url(extra.url) != percent_decode(record.url.to_string())) return false;
    if (!extra.license.is_any() && !extra.license.matches(to_lower(record.license))) return false;
    if (!extra.license_family.is_any() && !extra.license_family.matches(to_lower(record.license_family))) return false;
    if (extra.features && *extra.features != split_features(record.features)) return false;
    if (extra.track_features && *extra.track_features != split_features(join(record.track_features, ","))) return false;
    return extra.extras.empty() && extra.flags.empty();
}

bool MatchSpec::matches(const RecordHead& head) const {
    return build_.matches(head.build) && version_.matches(*head.version) &&
           (!extra_ || !extra_->build_number || extra_->build_number->matches(head.build_number));
}

bool MatchSpec::asks_for_head_only() const {
    if (!extra_) return true;
    const Extra& extra = *extra_;
    return extra.subdir.empty() && extra.md5.empty() && extra.sha256.empty() && extra.file_name.empty() &&
           extra.url.empty() && extra.license.is_any() && extra.license_family.is_any() && !extra.features &&
           !extra.track_features && extra.extras.empty() && extra.flags.empty();
}

std::string MatchSpec::canonical(std::string_view canonical_channel) const {
    const Extra& extra = extra_ ? *extra_ : no_extra();
    std::map<std::string_view, std::string> brackets;
    const auto add = [&](std::string_view key, std::string value) {
        if (!value.empty()) brackets.emplace(key, std::move(value));
    };

    std::string version = version_.canonical();
    // The parser takes "=" at the start for the fuzzy operator of "name=1.2" and would read what follows anew.
    if (version.find('*') != std::string::npos && version.starts_with('=')) version = "*," + version;
    if (contains_any(version, "()[]^$@: \t'\"")) {
        add("version", std::move(version));
        version = "*";
    }
    std::string build = build_.to_string();
    // A quote cannot stand in brackets, so a build with one came from outside of them and fits there.
    if (!contains_any(build, "'\"") && contains_any(build, "-=,|<>~[]()^$@:# \t")) {
        add("build", std::move(build));
        build = "*";
    }
    add("build_number", extra.build_number ? extra.build_number->to_string() : "");
    add("channel", for_brackets(canonical_channel.empty() ? std::string_view(extra.channel) : canonical_channel));
    add("extras", extra.extras);
    if (extra.features) add("features", joined(*extra.features));
    add("flags", extra.flags);
    add("fn", extra.file_name);
    add("license", extra.license.is_any() ? "" : extra.license.to_string());
    add("license_family", extra.license_family.is_any() ? "" : extra.license_family.to_string());
    add("md5", extra.md5);
    add("sha256", extra.sha256);
    add("subdir", extra.subdir);
    if (extra.track_features) add("track_features", joined(*extra.track_features));
    if (!extra.url.empty()) {
        auto url = Url::parse(extra.url);
        add("url", for_brackets(url ? without_credentials(*url).to_string() : extra.url));
    }
    add("when", extra.when);

    std::string out = name_;
    if (version != "*" || build != "*") out += " " + version;
    if (build != "*") out += " " + build;
    // Alone, such a text would be read as a file name or a feature.
    if (brackets.empty() && (out.ends_with(".conda") || out.ends_with(".tar.bz2") || out.ends_with('@'))) {
        brackets.emplace("version", version);
    }
    std::vector<std::string> pairs;
    for (const auto& [key, value] : brackets) pairs.push_back(fmt::format("{}='{}'", key, value));
    return pairs.empty() ? out : fmt::format("{}[{}]", out, join(pairs, ","));
}

MatchSpec MatchSpec::with_channel(std::string channel) const {
    MatchSpec copy = *this;
    auto extra = std::make_shared<Extra>(extra_ ? *extra_ : no_extra());
    extra->channel = std::move(channel);
    copy.extra_ = std::move(extra);
    return copy;
}

}  // namespace envbuild::conda
