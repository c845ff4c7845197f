#include "conda/repodata_record.hpp"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>

#include "base/strings.hpp"
#include "conda/paths_json.hpp"
#include "conda/platform.hpp"

namespace envbuild::conda {

namespace {

namespace ondemand = simdjson::ondemand;

// Of a file, in bytes; and of "name-version-build", which becomes one with ".json" behind it.
constexpr std::size_t kLongestFileName = 255, kLongestDistName = 250;
constexpr std::string_view kTooLong = "its name, version and build are longer than the name of a file can be";
constexpr std::string_view kNoarch = "noarch";
constexpr std::string_view kBuild = "a text without slashes and control characters";

// Thrown and caught inside of this file.
struct WrongType {
    std::string_view wanted;
};

std::string text_of(ondemand::value value) {
    std::string_view text;
    if (value.get_string().get(text) != simdjson::SUCCESS) throw WrongType{"a text"};
    return std::string(text);
}

std::int64_t integer_of(ondemand::value value) {
    std::int64_t number = 0;
    if (value.get_int64().get(number) == simdjson::SUCCESS) return number;
    double real = 0;
    if (value.get_double().get(real) == simdjson::SUCCESS && real >= 0 && real < 9e15)
        return static_cast<std::int64_t>(real);
    throw WrongType{"a number"};
}

std::uint64_t size_of(ondemand::value value) {
    const std::int64_t number = integer_of(value);
    if (number < 0) throw WrongType{"a size"};
    return static_cast<std::uint64_t>(number);
}

std::vector<std::string> texts_of(ondemand::value value) {
    ondemand::array array;
    if (value.get_array().get(array) != simdjson::SUCCESS) throw WrongType{"a list of texts"};
    std::vector<std::string> texts;
    for (auto element : array) {
        ondemand::value item;
        if (element.get(item) != simdjson::SUCCESS) throw WrongType{"a list of texts"};
        texts.push_back(text_of(item));
    }
    return texts;
}

bool is_string(ondemand::value& value) {
    ondemand::json_type type{};
    return value.type().get(type) == simdjson::SUCCESS && type == ondemand::json_type::string;
}

bool is_too_long(std::string_view name, std::string_view version, std::string_view build) {
    return name.size() + 1 + version.size() + 1 + build.size() > kLongestDistName;
}

// It becomes a part of paths, as names and versions do, which cannot hold what is refused here.
bool is_build(std::string_view text) {
    return text.find_first_of("/\\") == std::string_view::npos && !has_control_character(text);
}

std::string path_of(ondemand::value value) {
    std::string path = text_of(value);
    if (!path.empty() && bad_path_reason(path)) throw WrongType{"a path inside of the environment"};
    return path;
}

std::vector<std::string> features_of(ondemand::value value) {
    if (!is_string(value)) return texts_of(value);
    std::vector<std::string> words;
    const std::string text = text_of(value);
    for (const std::string_view part : split(text, ',')) {
        for (const std::string_view word : split_whitespace(part)) words.emplace_back(word);
    }
    return words;
}

Noarch noarch_of(ondemand::value value) {
    if (!is_string(value)) {
        bool flag = false;  // from before there were kinds
        if (value.get_bool().get(flag) != simdjson::SUCCESS) throw WrongType{"a kind of noarch"};
        return flag ? Noarch::Generic : Noarch::None;
    }
    const std::string kind = text_of(value);
    if (kind == "python") return Noarch::Python;
    if (kind == "generic") return Noarch::Generic;
    throw WrongType{"python or generic"};
}

Digest sha256_of(ondemand::value value) {
    auto digest = Digest::from_hex(text_of(value));
    if (!digest) throw WrongType{"64 hex digits"};
    return *digest;
}

std::string md5_of(ondemand::value value) {
    std::string hex = to_lower(text_of(value));
    if (hex.size() != 32 || hex.find_first_not_of("0123456789abcdef") != std::string::npos)
        throw WrongType{"32 hex digits"};
    return hex;
}

// conda: what cannot be milliseconds is seconds.
std::int64_t milliseconds(std::int64_t timestamp) {
    return timestamp > 0 && timestamp < 253402300799 ? timestamp * 1000 : timestamp;
}

class RecordReader {
  public:
    explicit RecordReader(PackageRecord& record) : record_(record) {}

    void read(std::string_view key, ondemand::value value) {
        if (key == "name") {
            record_.name = text_of(value);
        } else if (key == "version") {
            version_ = text_of(value);
        } else if (key == "build") {
            record_.build = text_of(value);
            if (!is_build(record_.build)) throw WrongType{kBuild};
            has_build_ = true;
        } else if (key == "build_number") {
            record_.build_number = integer_of(value);
        } else if (key == "depends") {
            record_.depends = texts_of(value);
        } else if (key == "constrains") {
            record_.constrains = texts_of(value);
        } else if (key == "sha256") {
            record_.sha256 = sha256_of(value);
        } else if (key == "md5") {
            record_.md5 = md5_of(value);
        } else if (key == "size") {
            record_.size = size_of(value);
        } else if (key == "timestamp") {
            record_.timestamp = milliseconds(integer_of(value));
        } else if (key == "track_features") {
            record_.track_features = features_of(value);
        } else if (key == "features") {
            record_.features = is_string(value) ? text_of(value) : join(texts_of(value), " ");
        } else if (key == "license") {
            if (is_string(value)) record_.license = text_of(value);  // decides nothing: of any type in old files
        } else if (key == "license_family") {
            if (is_string(value)) record_.license_family = text_of(value);
        } else if (key == "noarch") {
            record_.noarch = noarch_of(value);
        } else if (key == "python_site_packages_path") {
            record_.python_site_packages_path = path_of(value);
        }
    }

    // The reason why it is no record, or "".
    std::string finish() {
        if (record_.name.empty()) return "it has no name";
        if (version_.empty()) return "it has no version";
        if (!has_build_) return "it has no build";
        if (is_too_long(record_.name, version_, record_.build)) return std::string(kTooLong);
        auto version = Version::parse(version_);
        if (!version) return version.error().message();
        record_.version = std::move(*version);
        return "";
    }

  private:
    PackageRecord& record_;
    std::string version_;
    bool has_build_ = false;
};

// The same for a head.
class HeadReader {
  public:
    HeadReader(HeadStorage& storage, std::string_view subdir) : storage_(storage), listed_in_(subdir) {}

    void read(std::string_view key, ondemand::value value) {
        if (key == "name") {
            if (value.get_string().get(name_) != simdjson::SUCCESS) throw WrongType{"a text"};
        } else if (key == "version") {
            version_ = kept(value);
        } else if (key == "build") {
            head_.build = kept(value);
            if (!is_build(head_.build)) throw WrongType{kBuild};
            has_build_ = true;
        } else if (key == "build_number") {
            head_.build_number = integer_of(value);
        } else if (key == "sha256") {
            head_.has_sha256 = is_string(value);
        } else if (key == "timestamp") {
            head_.timestamp = milliseconds(integer_of(value));
        } else if (key == "track_features") {
            head_.track_features = static_cast<std::uint32_t>(features_of(value).size());
        } else if (key == "subdir") {
            if (value.get_string().get(subdir_) != simdjson::SUCCESS) subdir_ = {};
        } else if (key == "record_version") {
            record_version_ = integer_of(value);
        } else if (key == "revoked") {
            bool flag = false;
            revoked_ = value.get_bool().get(flag) == simdjson::SUCCESS && flag;
        }
    }

    // The reason why it is no record, or "".
    std::string finish(std::string_view wanted) {
        if (name_ != wanted) return "its name is not the one that it lies under";
        if (version_.data() == nullptr) return "it has no version";
        if (!has_build_) return "it has no build";
        if (is_too_long(name_, version_, head_.build)) return std::string(kTooLong);
        auto& version = storage_.by_text[version_];
        if (version == nullptr) {
            auto parsed = Version::parse(version_);
            if (!parsed) return parsed.error().message();
            version = &storage_.versions.emplace_back(std::move(*parsed));
        }
        head_.version = version;
        if (record_version_ > 1)
            return fmt::format("its record_version is {}, which only newer tools read", record_version_);
        if (is_of_another_platform()) return fmt::format("it is for {}, but listed in {}", subdir_, listed_in_);
        return "";
    }

    [[nodiscard]] bool revoked() const { return revoked_; }
    [[nodiscard]] const RecordHead& head() const { return head_; }

  private:
    // A text that stays: in the document itself, unless it holds escapes.
    std::string_view kept(ondemand::value value) {
        const std::string_view token = value.raw_json_token();
        std::string_view text;
        if (value.get_string().get(text) != simdjson::SUCCESS) throw WrongType{"a text"};
        if (token.substr(1).starts_with(text) && token.substr(1 + text.size()).starts_with('"'))
            return token.substr(1, text.size());
        return storage_.escaped.emplace_back(text);
    }

    // Where a record is listed counts, and "noarch" stands in platforms' lists; but what is for another platform runs
    // on none of this one's machines.
    [[nodiscard]] bool is_of_another_platform() const {
        if (subdir_ == listed_in_ || subdir_.empty() || subdir_ == kNoarch || listed_in_ == kNoarch) return false;
        const auto& known = Platform::known_subdirs();
        return std::ranges::find(known, subdir_) != known.end();
    }

    HeadStorage& storage_;
    std::string_view listed_in_;
    RecordHead head_;
    std::string_view name_, version_, subdir_;
    std::int64_t record_version_ = 0;
    bool has_build_ = false, revoked_ = false;
};

// It becomes a path in caches and a part of URLs.
bool is_file_name(std::string_view text) {
    return !text.empty() && text.size() <= kLongestFileName && text.find_first_of("/\\") == std::string_view::npos &&
           !has_control_character(text) && !text.starts_with('.');
}

std::unexpected<Error> refuse(std::string_view file_name, std::string_view reason) {
    // Not of what may be of any length, and cut between characters.
    std::size_t shown = std::min(file_name.size(), kLongestFileName);
    while (shown < file_name.size() && shown > 0 && (file_name[shown] & 0xC0) == 0x80) --shown;
    return fail(ErrorKind::Corrupt, fmt::format("{}: {}", file_name.substr(0, shown), reason));
}

// Gives each field that is not null to the reader. The reason why it is no record, or "".
template <class Reader>
std::string read_fields(ondemand::parser& parser, std::string_view json, std::size_t capacity, Reader& reader) {
    std::string_view key;
    try {
        ondemand::document document;
        ondemand::object object;
        if (parser.iterate(simdjson::padded_string_view(json.data(), json.size(), capacity)).get(document) !=
                simdjson::SUCCESS ||
            document.get_object().get(object) != simdjson::SUCCESS) {
            return "it is not a JSON object";
        }
        for (auto field : object) {
            ondemand::value value;
            if (field.unescaped_key().get(key) != simdjson::SUCCESS || field.value().get(value) != simdjson::SUCCESS) {
                return "its JSON is broken";
            }
            bool null = false;
            if (value.is_null().get(null) == simdjson::SUCCESS && null) continue;
            reader.read(key, value);
        }
    } catch (const WrongType& wrong) {
        return fmt::format("'{}' should be {}", key, wrong.wanted);
    } catch (const simdjson::simdjson_error& error) {
        return error.what();
    }
    return "";
}

}  // namespace

struct RecordParser::State {
    ondemand::parser parser;
};

RecordParser::RecordParser(const RepoData::Origin& origin, const Url& base_url)
    : origin_(origin), base_url_(base_url), state_(std::make_unique<State>()) {}
RecordParser::~RecordParser() = default;

Expected<PackageRecord> RecordParser::parse(std::string_view file_name, std::string_view json, std::size_t capacity) {
    PackageRecord record;
    RecordReader reader(record);
    std::string reason =
        is_file_name(file_name) ? read_fields(state_->parser, json, capacity, reader) : "this is not a file name";
    if (reason.empty()) reason = reader.finish();
    if (!reason.empty()) return refuse(file_name, reason);
    record.file_name = file_name;
    record.subdir = origin_.subdir;
    record.channel = origin_.channel;
    record.url = base_url_.join(percent_encode(file_name, "!$&'()*+,;=:@"));
    return record;
}

Expected<std::optional<RecordHead>> RecordParser::parse_head(std::string_view name, std::string_view file_name,
                                                             std::string_view json, std::size_t capacity,
                                                             HeadStorage& storage) {
    HeadReader reader(storage, origin_.subdir);
    std::string reason =
        is_file_name(file_name) ? read_fields(state_->parser, json, capacity, reader) : "this is not a file name";
    if (reason.empty()) reason = reader.finish(name);
    if (!reason.empty()) return refuse(file_name, reason);
    if (reader.revoked()) return std::nullopt;
    auto head = reader.head();
    head.file_name = file_name;
    return head;
}

}  // namespace envbuild::conda
