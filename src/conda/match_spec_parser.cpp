#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>

#include "base/shown.hpp"
#include "base/strings.hpp"
#include "base/url.hpp"
#include "conda/channel.hpp"
#include "conda/match_spec.hpp"
#include "conda/match_spec_extra.hpp"
#include "conda/match_spec_grammar.hpp"

namespace envbuild::conda {

namespace {

constexpr std::array<std::string_view, 19> kFields = {
    "channel",  "subdir", "name",  "version",  "build",   "build_number",   "track_features",
    "features", "url",    "md5",   "sha256",   "license", "license_family", "fn",
    "when",     "extras", "flags", "optional", "target"};

// What some patterns cost grows with the square of the length.
constexpr std::size_t kLongest = 16384;
constexpr std::string_view kOneBracket = "one pair of brackets with key=value pairs can stand at the end";
constexpr std::string_view kTwoSubdirs = "a channel has one folder for each platform, and here is one in another";
constexpr std::string_view kOneLine = "one package a line; options of pip belong in the pip section";

bool is_operator_char(char c) {
    return c == '=' || c == '<' || c == '>' || c == '!' || c == '~';
}

bool holds_subdir(std::string_view channel) {
    return !split_subdir(channel).subdir.empty();
}

std::string_view trim_right(std::string_view text) {
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

// What stands behind a space between two words of one version ("1.2 .3"), which conda takes out.
std::string joined_words(std::string_view version) {
    const auto binds = [](char c) { return is_operator_char(c) || c == ',' || c == '|' || c == '(' || c == ')'; };
    for (std::size_t i = 1; i < version.size(); ++i) {
        if (version[i] != ' ' || version[i - 1] == ' ') continue;
        const std::size_t next = version.find_first_not_of(' ', i);
        if (next != std::string_view::npos && !binds(version[i - 1]) && !binds(version[next])) {
            return std::string(version.substr(next));
        }
    }
    return "";
}

}  // namespace

class MatchSpecParser {
  public:
    MatchSpecParser(std::string_view text, Dialect dialect)
        : strict_(dialect == Dialect::Strict), original_(trim(text)), rest_(original_) {}

    Expected<MatchSpec> run() {
        if (original_.empty()) return fault("it is empty", "");
        if (original_.size() > kLongest) return fault(fmt::format("it is longer than {} characters", kLongest), "");
        if (!is_valid_utf8(original_)) return fault("it is not UTF-8", "");
        if (has_control_character(original_)) return fault("it holds a control character or a line break", "");
        // Redacted: the text goes into messages; channel() and url() keep what the wire needs.
        spec_.text_ = original_.find("://") == std::string::npos ? original_ : redact(original_);
        if (rest_.ends_with('@')) {
            const auto features = std::string_view(rest_).substr(0, rest_.size() - 1);
            const auto odd = std::ranges::find_if(features, [](char c) {
                return (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '_' && c != '-' &&
                       c != '.' && c != '+';
            });
            if (odd != features.end())
                return fault("a feature's name cannot hold this character", std::string(1, *odd));
            extra_.track_features = split_features(rest_.substr(0, rest_.size() - 1));
            return finish();
        }
        if (const auto hash = rest_.find('#'); hash != std::string::npos) rest_.resize(hash);
        if (const auto condition = rest_.find(" if "); condition != std::string::npos) {
            if (strict_)
                return fault("conda ignores the condition", " if ",
                             "use a 'sel(linux):' mapping or a file for each platform");
            rest_.resize(condition);
        }
        if (is_package_file(trim_right(rest_))) {
            rest_ = trim_right(rest_);
            if (auto error = package_file()) return std::unexpected(std::move(*error));
            return finish();
        }
        for (const auto step :
             {&MatchSpecParser::brackets, &MatchSpecParser::parentheses, &MatchSpecParser::channel,
              &MatchSpecParser::name, &MatchSpecParser::version_and_build, &MatchSpecParser::bracket_fields}) {
            if (auto error = (this->*step)()) return std::unexpected(std::move(*error));
        }
        return finish();
    }

  private:
    using Fault = std::optional<Error>;

    // The caret points at the first `needle`, or at the start.
    Error make_fault(std::string_view reason, std::string_view needle, std::string_view suggestion = "") const {
        const auto text = shown(original_);
        const std::size_t found = needle.empty() ? 0 : text.find(needle);
        const std::size_t at = found == std::string::npos ? 0 : found;
        const auto column = std::count_if(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at),
                                          [](char c) { return (c & 0xC0) != 0x80; });
        std::string hint = fmt::format("{}\n{:>{}}", text, "^", column + 1);
        if (!suggestion.empty()) hint += fmt::format("\n{}", suggestion);
        return Error(ErrorKind::InvalidInput, fmt::format("'{}' is not a package spec: {}", text, reason))
            .with_hint(hint);
    }
    std::unexpected<Error> fault(std::string_view reason, std::string_view needle,
                                 std::string_view suggestion = "") const {
        return std::unexpected(make_fault(reason, needle, suggestion));
    }

    Fault package_file() {
        const std::size_t scheme = rest_.find("://");
        const bool absolute = rest_.starts_with('/');
        if (scheme != std::string::npos && !rest_.starts_with("file:")) {
            if (const auto url = Url::parse(rest_); !url)
                return make_fault("its URL cannot be read", "", url.error().message());
        }
        extra_.url = absolute ? Url::from_path(rest_).to_string() : rest_;
        const std::size_t slash = rest_.rfind('/');
        const std::string file = percent_decode(slash == std::string::npos ? rest_ : rest_.substr(slash + 1));
        if (const std::size_t bad = file.find_first_of("[]'\""); bad != std::string::npos)
            return make_fault("the name of a package file cannot hold this character", file.substr(bad, 1));
        extra_.file_name = file;
        if (slash == std::string::npos || (scheme == std::string::npos && !absolute)) return std::nullopt;
        const ChannelAndSubdir parts = split_subdir(extra_.url.substr(0, extra_.url.rfind('/')));
        if (parts.subdir.empty()) return std::nullopt;
        if (holds_subdir(parts.channel)) return make_fault(kTwoSubdirs, parts.subdir);
        const auto dist = split_dist(file);
        if (!dist || dist->build.empty()) return make_fault("a package file is called name-version-build", file);
        const bool plain = std::ranges::all_of(dist->build, [](char c) {
            return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '.' ||
                   c == '+' || c == '!' || c == '~';
        });
        if (!plain) return make_fault("no package has such a build", dist->build);
        extra_.channel = parts.channel;
        extra_.subdir = parts.subdir;
        if (auto error = set_name(dist->name)) return error;
        if (auto error = set_version(dist->version)) return error;
        return set_build(dist->build);
    }

    Fault brackets() {
        if (const auto content = cut_section(rest_, '[', ']')) {
            BracketContent parsed = split_brackets(*content);
            if (strict_ && (!parsed.rest.empty() || parsed.pairs.empty())) return bracket_slip(*content);
            for (auto& [key, value] : parsed.pairs) {
                if (value.empty()) return make_fault(fmt::format("'{}=' in the brackets has no value", key), key + "=");
                if (std::find(kFields.begin(), kFields.end(), key) == kFields.end()) {
                    const std::string near = nearest(key, {kFields.begin(), kFields.end()});
                    return make_fault(fmt::format("'{}' is not a field of packages", key), key,
                                      near.empty() ? "" : fmt::format("did you mean '{}'?", near));
                }
                if (strict_ && fields_.contains(key)) return make_fault(fmt::format("'{}' is given twice", key), key);
                if (strict_ && (key == "when" || key == "extras" || key == "flags")) {
                    return make_fault(fmt::format("'{}' is not supported", key), key);
                }
                fields_[key] = key == "version" ? normalize_equals(std::move(value), false) : std::move(value);
            }
        }
        return std::nullopt;
    }

    Error bracket_slip(std::string_view content) const {
        const std::size_t op = content.find_first_of("<>!~");
        const std::string_view key = trim(content.substr(0, op));
        if (op != std::string_view::npos && std::find(kFields.begin(), kFields.end(), key) != kFields.end()) {
            return make_fault("conda ignores this part of the brackets", content,
                              fmt::format("did you mean [{}='{}']?", key, trim(content.substr(op))));
        }
        return make_fault("brackets hold key=value pairs", fmt::format("[{}", content.substr(0, 1)),
                          content.find('=') == std::string_view::npos && !content.empty()
                              ? "extras such as [image] are pip's: they belong in the pip section"
                              : "a value with a space, a comma or an operator needs quotes");
    }

    Fault parentheses() {
        if (cut_section(rest_, '(', ')') && strict_) {
            return make_fault("conda ignores what stands in parentheses", "(",
                              "put the version in brackets: name[version='(…)']");
        }
        return std::nullopt;
    }

    Fault channel() {
        const std::size_t second = rest_.rfind(':');
        if (second != std::string::npos) {
            const std::size_t first = second == 0 ? std::string::npos : rest_.rfind(':', second - 1);
            const std::size_t namespace_start = first == std::string::npos ? 0 : first + 1;
            const std::string space = rest_.substr(namespace_start, second - namespace_start);
            if (strict_ && (first == std::string::npos || !space.empty())) {
                return make_fault(
                    "conda ignores what stands before a single ':'", ":",
                    fmt::format("did you mean {}::{}?", redact(rest_.substr(0, second)), rest_.substr(second + 1)));
            }
            if (first != std::string::npos) set_channel(rest_.substr(0, first));
            rest_.erase(0, second + 1);
        }
        if (const auto given = fields_.find("channel"); given != fields_.end()) set_channel(given->second);
        if (const auto given = fields_.find("subdir"); given != fields_.end()) extra_.subdir = given->second;
        if (strict_ && extra_.channel.find_first_of("[]'\"") != std::string::npos)
            return make_fault("this is no channel", extra_.channel);
        if (strict_ && holds_subdir(extra_.channel)) return make_fault(kTwoSubdirs, extra_.subdir);
        if (strict_ && extra_.channel.find('*') != std::string::npos) {
            return make_fault("patterns for channels are not supported", extra_.channel, "name the channel");
        }
        return std::nullopt;
    }

    void set_channel(std::string_view text) {
        ChannelAndSubdir parts = split_subdir(text);
        if (!parts.channel.empty()) extra_.channel = parts.channel == "*" ? "" : std::move(parts.channel);
        if (!parts.subdir.empty()) extra_.subdir = std::move(parts.subdir);
    }

    Fault name() {
        const std::size_t end = std::min(rest_.find_first_of(" =<>!~"), rest_.size());
        if (end == 0) return make_fault("no package name stands before the version", rest_);
        const std::string text = rest_.substr(0, end);
        rest_.erase(0, end);
        // One operator without anything behind it is dropped by conda.
        if (rest_.size() == 1) {
            if (strict_ && rest_ != " " && rest_ != "=") {
                return make_fault(fmt::format("no version stands behind '{}'", rest_), text + rest_);
            }
            rest_.clear();
        }
        return set_name(text);
    }

    Fault set_name(std::string_view text) {
        std::string lower = to_lower(text);
        if (!is_package_name(lower)) {
            const std::size_t bad = lower.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789._-");
            if (lower.find('[') != std::string::npos) return make_fault(kOneBracket, "[");
            const std::string slash =
                lower.find('/') != std::string::npos ? "a channel stands before '::', as in channel::package" : "";
            return bad == std::string::npos
                       ? make_fault(fmt::format("'{}' is not a valid package name", text), text)
                       : make_fault("a package name cannot hold this character", text.substr(bad, 1), slash);
        }
        if (lower.find('*') != std::string::npos && lower != "*") {
            auto matcher = StringMatcher::parse(lower);
            if (!matcher) return make_fault(matcher.error().message(), text);
            spec_.name_matcher_ = std::make_shared<StringMatcher>(std::move(*matcher));
        }
        spec_.name_ = std::move(lower);
        return std::nullopt;
    }

    Fault version_and_build() {
        const std::string_view text = trim(rest_);
        if (text.empty()) return std::nullopt;
        if (text.find('[') != std::string_view::npos) {
            return make_fault(kOneBracket, "[");
        }
        VersionAndBuild parts = split_version_and_build(text);
        if (strict_) {
            if (parts.build && parts.build->find(' ') != std::string::npos) {
                return make_fault("name, version and build are all that fits in a line", *parts.build, kOneLine);
            }
            if (const std::string words = joined_words(parts.version); !words.empty()) {
                return make_fault("a space stands inside of the version", words, kOneLine);
            }
        }
        std::erase(parts.version, ' ');
        written_version_ = parts.version;
        if (auto error = set_version(normalize_equals(std::move(parts.version), parts.build.has_value()))) return error;
        return parts.build ? set_build(*parts.build) : std::nullopt;
    }

    Fault set_version(const std::string& text) {
        auto version = VersionSpec::parse(text);
        if (!version) {
            const std::string& hint = version.error().hint();
            // The reason quotes the part at fault.
            const std::string& message = version.error().message();
            const std::size_t quote = message.find('\''), close = message.find('\'', quote + 1);
            std::string needle = quote == std::string::npos ? text : message.substr(quote + 1, close - quote - 1);
            if (original_.find(needle) == std::string::npos)
                needle = written_version_.empty() ? text : written_version_.substr(0, 1);
            return make_fault(message, needle, hint);
        }
        // Nowhere in a spec could such a version be written again: in brackets its quote would end it.
        if (const std::size_t quote = text.find_first_of("'\""); quote != std::string::npos)
            return make_fault("a version cannot hold a quote", text.substr(quote, 1));
        spec_.version_ = std::move(*version);
        return std::nullopt;
    }

    Fault set_build(const std::string& text) { return set_matcher(text, spec_.build_); }

    Fault set_matcher(const std::string& text, StringMatcher& matcher) {
        auto parsed = StringMatcher::parse(text);
        if (!parsed) return make_fault(parsed.error().message(), text);
        matcher = std::move(*parsed);
        return std::nullopt;
    }

    // What stands in brackets overrides what stands before them, but for the name.
    Fault bracket_fields() {
        for (const auto& [key, value] : fields_) {
            Fault error;
            if (key == "name") {
                if (strict_ && to_lower(value) != spec_.name_) error = make_fault("the name is given twice", value);
            } else if (key == "version") {
                error = set_version(value);
            } else if (key == "build") {
                error = set_build(value);
            } else if (key == "build_number") {
                auto number = BuildNumberMatcher::parse(value);
                if (!number) return make_fault(number.error().message(), value, number.error().hint());
                extra_.build_number = std::move(*number);
            } else if (key == "license") {
                error = set_matcher(to_lower(value), extra_.license);
            } else if (key == "license_family") {
                error = set_matcher(to_lower(value), extra_.license_family);
            } else if (key == "features") {
                extra_.features = split_features(value);
            } else if (key == "track_features") {
                extra_.track_features = split_features(value);
            } else if (std::string* const text = text_field(key)) {
                *text = key == "md5" || key == "sha256" ? to_lower(value) : value;
            }
            if (error) return error;
        }
        return std::nullopt;
    }

    std::string* text_field(std::string_view key) {
        if (key == "url") return &extra_.url;
        if (key == "md5") return &extra_.md5;
        if (key == "sha256") return &extra_.sha256;
        if (key == "fn") return &extra_.file_name;
        if (key == "extras") return &extra_.extras;
        if (key == "flags") return &extra_.flags;
        if (key == "when") return &extra_.when;
        return nullptr;
    }

    Expected<MatchSpec> finish() {
        const MatchSpec::Extra& e = extra_;
        const bool any = !e.channel.empty() || !e.subdir.empty() || !e.url.empty() || !e.md5.empty() ||
                         !e.sha256.empty() || !e.file_name.empty() || e.build_number || !e.license.is_any() ||
                         !e.license_family.is_any() || e.features || e.track_features || !e.extras.empty() ||
                         !e.flags.empty() || !e.when.empty();
        if (any) spec_.extra_ = std::make_shared<const MatchSpec::Extra>(std::move(extra_));
        return std::move(spec_);
    }

    bool strict_;
    std::string original_, rest_, written_version_;
    std::map<std::string, std::string, std::less<>> fields_;
    MatchSpec spec_;
    MatchSpec::Extra extra_;
};

Expected<MatchSpec> MatchSpec::parse(std::string_view text, Dialect dialect) {
    return MatchSpecParser(text, dialect).run();
}

std::vector<std::string> match_spec_warnings(std::string_view text) {
    std::vector<std::string> warnings;
    text = trim(text);
    if (const std::size_t hash = text.find('#'); hash != std::string_view::npos) {
        warnings.push_back(fmt::format("'{}': what stands behind '#' is a comment", redact(text)));
        text = trim(text.substr(0, hash));
    }
    const std::size_t op = text.find_first_of(" =<>!~");
    if (op == std::string_view::npos || is_package_file(text)) return warnings;
    const std::string_view version = trim(text.substr(op));
    if (version == "=") {
        warnings.push_back(fmt::format("'{}': conda reads this as '{}', any version", text, trim(text.substr(0, op))));
    } else if (version.size() > 2 && version[0] == '=' &&
               (version[1] == '<' || version[1] == '>' || version[1] == '!')) {
        auto parsed = MatchSpec::parse(text, Dialect::Conda);
        if (!parsed) return warnings;
        warnings.push_back(
            fmt::format("'{}': conda reads '{}' as '{}', so this is '{}'; did you mean '{}'?", redact(text),
                        version.substr(0, 2), version.substr(1, 1), parsed->version().canonical(),
                        version[1] == '!' ? fmt::format("!={}", trim(version.substr(2)))
                                          : fmt::format("{}={}", version.substr(1, 1), trim(version.substr(2)))));
    }
    return warnings;
}

}  // namespace envbuild::conda
