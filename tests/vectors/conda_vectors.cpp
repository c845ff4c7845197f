#include <fmt/format.h>

#include <algorithm>

#include "conda/channel.hpp"
#include "conda/match_spec.hpp"
#include "conda/match_spec_grammar.hpp"
#include "conda/package_record.hpp"
#include "vectors/vectors.hpp"

using namespace envbuild;
using namespace envbuild::conda;

namespace envbuild::vectors {

namespace {

// conda builds a version only where it compares: a text it cannot build then counts as no match.
bool spec_matches(std::string_view spec, std::string_view version) {
    const auto parsed = VersionSpec::parse(spec);
    const auto value = Version::parse(version);
    return parsed && value && parsed->matches(*value);
}

void run_invalid(const Json& file, Tally& tally) {
    for (const Json& text : file["invalid"].as_array()) {
        tally.check(!Version::parse(text.as_string()), [&] { return fmt::format("'{}' is taken", text.as_string()); });
    }
}

void run_order(const Json& file, Tally& tally) {
    std::vector<std::vector<Version>> groups;
    for (const Json& group : file["ascending_groups_of_equal"].as_array()) {
        groups.emplace_back();
        for (const Json& text : group.as_array()) {
            const auto version = Version::parse(text.as_string());
            tally.check(version.has_value(), [&] { return fmt::format("'{}' is refused", text.as_string()); });
            if (version) groups.back().push_back(*version);
        }
    }
    for (std::size_t i = 0; i < groups.size(); ++i) {
        for (const Version& version : groups[i]) {
            tally.check(version == groups[i].front(), [&] {
                return fmt::format("'{}' != '{}'", version.to_string(), groups[i].front().to_string());
            });
            if (i == 0) continue;
            tally.check(groups[i - 1].front() < version, [&] {
                return fmt::format("'{}' >= '{}'", groups[i - 1].front().to_string(), version.to_string());
            });
        }
    }
}

void run_pairs(const Json& file, Tally& tally) {
    for (const Json& row : file.as_array()) {
        const auto& cells = row.as_array();
        const auto a = Version::parse(cells[0].as_string()), b = Version::parse(cells[2].as_string());
        const std::string& op = cells[1].as_string();
        const bool known = op == "==" || op == "<" || op == "<=" || op == ">" || op == ">=" || op == "!=";
        const bool truth = !a || !b     ? false
                           : op == "==" ? *a == *b
                           : op == "!=" ? *a != *b
                           : op == "<"  ? *a < *b
                           : op == "<=" ? *a <= *b
                           : op == ">"  ? *a > *b
                                        : *a >= *b;
        tally.check(known && a && b && truth == cells[3].as_bool(), [&] { return row.dump(); });
    }
}

void run_startswith(const Json& file, Tally& tally) {
    for (const Json& row : file.as_array()) {
        const auto& cells = row.as_array();
        const auto a = Version::parse(cells[0].as_string()), b = Version::parse(cells[1].as_string());
        tally.check(a && b && a->starts_with(*b) == cells[2].as_bool(), [&] { return row.dump(); });
    }
}

// A few rows hold the printed form of the tuple that conda's own tests pass, "(',', '>1.7', '<1.8')": the text of it is
// ">1.7,<1.8".
std::string from_tuple(const std::string& text) {
    if (!text.starts_with("(','") && !text.starts_with("('|'")) return text;
    std::string joined;
    std::size_t at = 5;
    while ((at = text.find('\'', at)) != std::string::npos) {
        const std::size_t end = text.find('\'', at + 1);
        if (!joined.empty()) joined += text[2];
        joined += text.substr(at + 1, end - at - 1);
        at = end + 1;
    }
    return joined;
}

void run_rows(const Json& rows, Tally& tally) {
    for (const Json& row : rows.as_array()) {
        const auto& cells = row.as_array();
        tally.check(spec_matches(from_tuple(cells[0].as_string()), cells[1].as_string()) == cells[2].as_bool(),
                    [&] { return row.dump(); });
    }
}

void run_spec_match(const Json& file, Tally& tally) {
    run_rows(file["match"], tally);
    for (const Json& text : file["invalid"].as_array()) {
        tally.check(!VersionSpec::parse(text.as_string()),
                    [&] { return fmt::format("'{}' is taken", text.as_string()); });
    }
}

void run_match(const Json& file, Tally& tally) {
    for (const Json& row : file["match"].as_array()) {
        const auto& cells = row.as_array();
        const auto spec = MatchSpec::parse(cells[0].as_string(), Dialect::Conda);
        PackageRecord record;
        record.name = cells[1].as_string();
        const auto version = Version::parse(cells[2].as_string());
        if (version) record.version = *version;
        record.build = cells[3].as_string();
        record.build_number = cells[4].as_int();
        tally.check(spec && version && spec->matches(record) == cells[5].as_bool(), [&] { return row.dump(); });
    }
    for (const Json& text : file["invalid"].as_array()) {
        tally.check(!MatchSpec::parse(text.as_string(), Dialect::Conda),
                    [&] { return fmt::format("'{}' is taken", text.as_string()); });
    }
}

// conda names the channel by its canonical name, the vectors by URL where it has one: both mean the same channel here.
bool same_channel(const std::string& expected, const std::string& written) {
    if (expected == written || (expected == "*" && written.empty())) return true;
    if (written.empty()) return false;
    const ChannelSettings settings;
    const auto channels = resolve_channel(written, settings, "/");
    if (!channels) return expected == fmt::format("{}/{}", settings.channel_alias, written);
    if (expected == "defaults") {
        const auto defaults = value_or_throw(resolve_channel("defaults", settings, "/"));
        return std::all_of(channels->begin(), channels->end(), [&](const Channel& channel) {
            return std::find(defaults.begin(), defaults.end(), channel) != defaults.end();
        });
    }
    return channels->size() == 1 && channels->front().url().to_string() == expected;
}

std::string differing_field(const Json& row, const MatchSpec& spec) {
    const auto expect = [&](std::string_view key) { return row.string_or(key, ""); };
    const auto version = VersionSpec::parse(row.string_or("version", "*"));
    if (spec.name() != expect("name")) return "name " + spec.name();
    if (!version || spec.version().canonical() != version->canonical()) return "version " + spec.version().canonical();
    if (spec.build().to_string() != row.string_or("build", "*")) return "build " + spec.build().to_string();
    if (spec.build_number().value_or("") != expect("build_number"))
        return "build_number " + spec.build_number().value_or("");
    if (!same_channel(expect("channel"), spec.channel())) return "channel " + spec.channel();
    if (spec.subdir() != expect("subdir")) return "subdir " + spec.subdir();
    if (spec.md5() != expect("md5")) return "md5 " + spec.md5();
    if (spec.sha256() != expect("sha256")) return "sha256 " + spec.sha256();
    if (spec.license() != row.string_or("license", "*")) return "license " + spec.license();
    // A relative file name stands against the folder that the vectors were made in.
    const std::string url = expect("url");
    const bool relative = spec.url().find('/') == std::string::npos && url.ends_with("/" + spec.url());
    if (percent_decode(spec.url()) != percent_decode(url) && !relative) return "url " + spec.url();
    return "";
}

void run_parse(const Json& file, Tally& tally) {
    for (const Json& row : file.as_array()) {
        const std::string text = row.string_or("spec", "");
        const auto spec = MatchSpec::parse(text, Dialect::Conda);
        if (!row.bool_or("ok", false)) {
            tally.check(!spec, [&] { return fmt::format("'{}' is taken", text); });
        } else if (!spec) {
            tally.check(false, [&] { return fmt::format("'{}' is refused: {}", text, spec.error().message()); });
        } else {
            const std::string field = differing_field(row, *spec);
            tally.check(field.empty(), [&] { return fmt::format("{}: {}", row.dump(), field); });
        }
    }
}

}  // namespace

Runs conda_runs() {
    return {
        {"disagree_conda_vs_rattler.json", run_rows}, {"version_invalid.json", run_invalid},
        {"version_order_total.json", run_order},      {"version_pairs.json", run_pairs},
        {"version_startswith.json", run_startswith},  {"version_spec_match.json", run_spec_match},
        {"match_spec_match.json", run_match},         {"match_spec_parse.json", run_parse},
    };
}

}  // namespace envbuild::vectors
