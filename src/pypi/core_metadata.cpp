#include "pypi/core_metadata.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <functional>

#include "base/shown.hpp"
#include "base/strings.hpp"

namespace envbuild::pypi {

namespace {

constexpr std::size_t kMaxRequirements = 20'000;

struct Field {
    std::string name, value;  // the name in lower case
    int line = 0;
};

// Calls `take` for each header field; false where a line is none.
bool read_fields(std::string_view text, const std::function<void(Field)>& take, int& line) {
    constexpr std::string_view kMark = "\xef\xbb\xbf";
    if (text.starts_with(kMark)) text.remove_prefix(kMark.size());
    std::optional<Field> field;
    for (line = 1; !text.empty(); ++line) {
        const auto end = std::min(text.find('\n'), text.size());
        auto row = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (row.ends_with('\r')) row.remove_suffix(1);
        if (row.empty()) break;
        if (row[0] == ' ' || row[0] == '\t') {
            if (!field) return false;
            field->value.append("\n").append(row);
            continue;
        }
        if (field) take(std::move(*field));
        const auto colon = row.find(':');
        if (colon == 0 || colon == std::string_view::npos || row.substr(0, colon).find(' ') != std::string_view::npos)
            return false;
        field = Field{to_lower(row.substr(0, colon)), std::string(trim(row.substr(colon + 1))), line};
    }
    if (field) take(std::move(*field));
    return true;
}

// Folded lines are one.
std::string unfolded(const std::string& value) {
    return value.find('\n') == std::string::npos ? value : [&] {
        std::vector<std::string> words;
        for (const auto word : split_whitespace(value)) words.emplace_back(word);
        return join(words, " ");
    }();
}

// {2, 1} of "2.1".
std::optional<std::pair<int, int>> format_version(std::string_view text) {
    std::pair<int, int> version;
    const char* const begin = text.data();
    const char* const end = begin + text.size();
    const auto major = std::from_chars(begin, end, version.first);
    if (major.ec != std::errc() || major.ptr == end || *major.ptr != '.') return std::nullopt;
    const auto minor = std::from_chars(major.ptr + 1, end, version.second);
    if (minor.ec != std::errc() || minor.ptr != end) return std::nullopt;
    return version;
}

class Reading {
  public:
    explicit Reading(std::string_view what) : what_(what) {}

    Expected<CoreMetadata> run(std::string_view text) {
        int line = 0;
        const bool whole = read_fields(text, [this](const Field& field) { take(field); }, line);
        if (!whole) fault(line, "is no header field");
        const auto format = format_version(out_.metadata_version);
        if (!fault_ && (!format || format->first < 1)) fault(0, "has no Metadata-Version");
        if (!fault_ && format->first > 2)
            fault(0, fmt::format("is of Metadata-Version {}, which is not known", shown(out_.metadata_version)));
        if (!fault_ && out_.name.empty()) fault(0, "has no Name");
        if (!fault_ && !version_) fault(0, "has no Version");
        if (fault_) return std::unexpected(std::move(*fault_));
        out_.version = std::move(*version_);
        return std::move(out_);
    }

  private:
    void take(const Field& field) {
        if (fault_) return;
        const std::string value = unfolded(field.value);
        if (field.name == "metadata-version") {
            if (once(field, !out_.metadata_version.empty())) out_.metadata_version = value;
        } else if (field.name == "name") {
            if (once(field, !out_.name.empty())) out_.name = normalize_name(value);
        } else if (field.name == "version") {
            if (once(field, version_.has_value())) take_version(field, value);
        } else if (field.name == "requires-dist") {
            take_requirement(field, value);
        } else if (field.name == "requires-python") {
            take_python(value);
        } else if (field.name == "provides-extra") {
            if (out_.provides_extra.size() < kMaxRequirements) out_.provides_extra.push_back(normalize_name(value));
        } else if (field.name == "dynamic") {
            if (out_.dynamic.size() < kMaxRequirements) out_.dynamic.push_back(to_lower(value));
        }
    }

    bool once(const Field& field, bool seen) {
        if (seen) fault(field.line, fmt::format("gives {} a second time", field.name));
        return !seen;
    }

    void take_version(const Field& field, const std::string& value) {
        auto version = Pep440Version::parse(value);
        if (!version) return fault(field.line, fmt::format("has a Version that is none: '{}'", shown(value)));
        version_ = std::move(*version);
        out_.version_text = value;
    }

    void take_requirement(const Field& field, const std::string& value) {
        if (out_.requires_dist.size() >= kMaxRequirements) return fault(field.line, "has too many Requires-Dist");
        auto requirement = Requirement::parse(value);
        if (!requirement) {
            return fault(field.line, fmt::format("has a Requires-Dist that is no requirement, '{}': {}", shown(value),
                                                 shown(requirement.error().message())));
        }
        out_.requires_dist.push_back(std::move(*requirement));
        out_.requires_dist_texts.push_back(value);
    }

    void take_python(const std::string& value) {
        if (out_.requires_python) return;
        if (auto set = SpecifierSet::parse(value)) {
            out_.requires_python = std::move(*set);
        } else {
            out_.warnings.push_back(
                fmt::format("{}: Requires-Python '{}' is passed over: {}", what_, shown(value), set.error().message()));
        }
    }

    void fault(int line, std::string_view why) {
        if (fault_) return;
        const std::string place = line > 0 ? fmt::format("{}:{}", what_, line) : std::string(what_);
        fault_ = Error(ErrorKind::Corrupt, fmt::format("{}: the metadata {}", place, why));
    }

    std::string_view what_;
    CoreMetadata out_;
    std::optional<Pep440Version> version_;
    std::optional<Error> fault_;
};

}  // namespace

Expected<CoreMetadata> CoreMetadata::parse(std::string_view text, std::string_view what) {
    return Reading(what).run(text);
}

bool CoreMetadata::has_known_requirements() const {
    const auto format = format_version(metadata_version);
    if (!format || *format < std::pair(2, 2)) return false;
    return std::ranges::none_of(dynamic, [](const std::string& field) {
        return field == "requires-dist" || field == "provides-extra" || field == "requires-python";
    });
}

}  // namespace envbuild::pypi
